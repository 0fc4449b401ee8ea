# SPDX-License-Identifier: Apache-2.0
"""How Stripe speaks: forms whose names have brackets in, and errors as objects."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from tsuzuku.testing.simulators.server import Refusal, Response, answer_json

API_VERSION = "2026-10-28.endive"
_AMOUNT_MIN, _AMOUNT_MAX = 50, 99_999_999
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


class StripeRefusal(Refusal):
    """Answered with Stripe's error object. `is_kept`: a repetition under the same key gets the same answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        more: Mapping[str, Any] | None = None,
        is_kept: bool = False,
    ) -> None:
        super().__init__(status, code or kind)
        fields = {"type": kind, "code": code, "message": message, "param": param, **(more or {})}
        self.body = {"error": {name: value for name, value in fields.items() if value is not None}}
        self.is_kept = is_kept


def refused(refusal: Refusal) -> Response:
    """The answer to a call that was refused, in Stripe's form whoever refused it."""
    if isinstance(refusal, StripeRefusal):
        return answer_json(refusal.body, status=refusal.status)
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests hit the API."}
        return answer_json({"error": error}, status=HTTPStatus.TOO_MANY_REQUESTS)
    error = {"type": "invalid_request_error", "code": refusal.code, "message": "Refused on demand."}
    return answer_json({"error": error}, status=HTTPStatus.BAD_REQUEST)


def missing(param: str) -> StripeRefusal:
    """For a parameter that must be there."""
    return StripeRefusal(f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(kind: str, object_id: str, *, param: str = "id", status: int = HTTPStatus.NOT_FOUND) -> StripeRefusal:
    """For an id that names nothing."""
    return StripeRefusal(f"No such {kind}: '{object_id}'", status=status, code="resource_missing", param=param)


def parse_form(text: str) -> dict[str, Any]:
    """A form or query as nested dicts and lists: `a[b]=1&c[0]=2&d[]=3`. Raises StripeRefusal."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *others = [name.partition("[")[0], *_BRACKETS.findall(name)]
        place = root
        for here, following in zip([first, *others], [*others, None], strict=True):
            key = here or str(len(place))
            if following is None:
                place[key] = value
                break
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise StripeRefusal(f"Invalid object: {name}", param=first)
    listed = _lists(root)
    if not isinstance(listed, dict):
        raise StripeRefusal("Invalid request")
    return listed


def integer(fields: dict[str, Any], name: str, *, param: str) -> int:
    """A whole number above zero, sent as text like everything in a form. Raises StripeRefusal."""
    text = fields.get(name)
    if text is None:
        raise missing(param)
    if not (isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,15}", text)):
        raise StripeRefusal(f"Invalid integer: {text}", code="parameter_invalid_integer", param=param)
    if int(text) < 1:
        raise StripeRefusal("Invalid positive integer", code="parameter_invalid_integer", param=param)
    return int(text)


def check_currency(currency: object, param: str) -> str:
    """A currency as Stripe writes it. Raises StripeRefusal."""
    if isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.islower():
        return currency
    raise StripeRefusal(f"Invalid currency: {currency}", param=param)


def check_amount(amount: int, *, least: int = _AMOUNT_MIN, most: int = _AMOUNT_MAX) -> None:
    """Too little is refused, and too much. Raises StripeRefusal."""
    if amount > most:
        raise StripeRefusal("The amount is too large.", code="amount_too_large", param="amount")
    if amount < least:
        raise StripeRefusal("The amount is too small.", code="amount_too_small", param="amount")


def check_known(fields: object, known: frozenset[str], *, inside: str = "") -> None:
    """Stripe takes no parameter that it does not know, at any depth. Raises StripeRefusal."""
    if not isinstance(fields, dict):
        raise StripeRefusal("Invalid object", param=inside)
    for name in fields:
        if name == "payment_method_types":
            raise StripeRefusal(
                "`payment_method_types` is no longer supported. Use `allowed_payment_method_types`.",
                code="payment_method_types_no_longer_supported",
                param=name,
            )
        if name not in known:
            full = f"{inside}[{name}]" if inside else name
            raise StripeRefusal(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)


def _lists(found: Any) -> Any:  # noqa: ANN401  # whatever a form holds
    """Dicts whose keys are 0, 1, 2 ... are lists."""
    if not isinstance(found, dict):
        return found
    inner = {key: _lists(value) for key, value in found.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
