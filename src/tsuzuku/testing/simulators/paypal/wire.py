# SPDX-License-Identifier: Apache-2.0
"""How PayPal speaks: amounts as text, links between things, errors as objects."""

import secrets
import string
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.server import Refusal, Response, answer_json

#: The simulator's one client; the secret is in its folder.
CLIENT_ID = "simulated"
_LETTERS = string.ascii_uppercase + string.digits
#: For these PayPal refuses decimals.
_WHOLE_CURRENCIES = frozenset({"HUF", "JPY", "TWD"})
_AMOUNT_MAX = 10_000_000
_STATUS_NAMES = {
    HTTPStatus.BAD_REQUEST: "INVALID_REQUEST",
    HTTPStatus.NOT_FOUND: "RESOURCE_NOT_FOUND",
    HTTPStatus.UNPROCESSABLE_ENTITY: "UNPROCESSABLE_ENTITY",
}


class PayPalRefusal(Refusal):
    """Answered with PayPal's error object. `is_kept`: a repetition under the same id gets the same answer."""

    def __init__(
        self, issue: str, description: str, *, status: int = HTTPStatus.UNPROCESSABLE_ENTITY, is_kept: bool = False
    ) -> None:
        super().__init__(status, issue)
        self.body = error(_STATUS_NAMES.get(HTTPStatus(status), "INVALID_REQUEST"), description, issue=issue)
        self.is_kept = is_kept


def error(name: str, message: str, *, issue: str | None = None) -> Json:
    """An error object."""
    details = [] if issue is None else [{"issue": issue, "description": message}]
    return {"name": name, "details": details, "message": message, "debug_id": secrets.token_hex(7), "links": []}


def refused(refusal: Refusal) -> Response:
    """The answer to a call that was refused, in PayPal's form whoever refused it."""
    if isinstance(refusal, PayPalRefusal):
        return answer_json(refusal.body, status=refusal.status)
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        told = error("SERVICE_UNAVAILABLE", "Service Unavailable.")
    else:
        told = error("UNPROCESSABLE_ENTITY", "Refused on demand.", issue=refusal.code)
    return answer_json(told, status=refusal.status)


def not_found() -> PayPalRefusal:
    """For an id that names nothing, or nothing any more."""
    return PayPalRefusal("INVALID_RESOURCE_ID", "Specified resource ID does not exist.", status=HTTPStatus.NOT_FOUND)


def missing(field: str) -> PayPalRefusal:
    """For a field that must be there."""
    return PayPalRefusal("MISSING_REQUIRED_PARAMETER", f"{field} is required.", status=HTTPStatus.BAD_REQUEST)


def new_id() -> str:
    """Not to be guessed: whoever knows an order's may open its page."""
    return "".join(secrets.choice(_LETTERS) for _ in range(17))


def moment(at: datetime) -> str:
    """A moment as PayPal writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_amount(fields: Any) -> tuple[str, Decimal]:  # noqa: ANN401  # whatever a body holds
    """Currency and value of an amount. Raises PayPalRefusal."""
    if not isinstance(fields, dict) or "currency_code" not in fields or "value" not in fields:
        raise missing("amount")
    currency, text = fields["currency_code"], fields["value"]
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise PayPalRefusal("CURRENCY_NOT_SUPPORTED", "Currency code is not currently supported.")
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        value = Decimal(-1)
    if not 0 < value <= _AMOUNT_MAX:
        raise PayPalRefusal("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")
    places = 0 if currency in _WHOLE_CURRENCIES else 2
    if value != round(value, places) or (not places and "." in str(text)):
        raise PayPalRefusal("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.")
    return currency, value


def amount(currency: str, value: Decimal) -> Json:
    """An amount in an answer."""
    places = 0 if currency in _WHOLE_CURRENCIES else 2
    return {"currency_code": currency, "value": f"{value:.{places}f}"}


def link(href: str, rel: str, method: str = "GET") -> Json:
    """A link to another thing."""
    return {"href": href, "rel": rel, "method": method}
