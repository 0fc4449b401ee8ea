# SPDX-License-Identifier: Apache-2.0
"""What merchants may look at, expanded as they ask."""

from http import HTTPStatus
from typing import Any

from tsuzuku.testing.simulators.stripe import objects
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.wire import StripeRefusal, no_such

_DEPTH_MAX = 4
_REFUNDS_OF_A_CHARGE = 10
_LIMIT_MAX = 100
_KINDS = {
    ("checkout", "sessions"): "checkout.session",
    ("payment_intents",): "payment_intent",
    ("charges",): "charge",
    ("refunds",): "refund",
    ("disputes",): "dispute",
    ("customers",): "customer",
    ("payment_methods",): "payment_method",
}


class Views:
    """Reads of the books; called under their lock."""

    def __init__(self, books: StripeBooks) -> None:
        self._books = books

    def look(self, words: tuple[str, ...], fields: Json) -> Json:
        """What a GET is answered. Raises StripeRefusal."""
        match words:
            case ("refunds",):
                found = [each for each in self._of_kind("refund") if _fits(each, fields, "payment_intent", "charge")]
                return objects.listing(found, url="/v1/refunds", limit=_limit(fields))
            case ("disputes",):
                found = [each for each in self._of_kind("dispute") if _fits(each, fields, "payment_intent", "charge")]
                return objects.listing(found, url="/v1/disputes", limit=_limit(fields))
            case ("payment_intents",):
                found = [each for each in self._of_kind("payment_intent") if _fits(each, fields, "customer")]
                since = int(fields.get("created", {}).get("gte", "0"))
                recent = [each for each in found if each["created"] >= since]
                return objects.listing(recent, url="/v1/payment_intents", limit=_limit(fields))
            case ("checkout", "sessions"):
                found = [each for each in self._of_kind("checkout.session") if _fits(each, fields, "payment_intent")]
                return objects.listing(found, url="/v1/checkout/sessions", limit=_limit(fields))
            case ("events",):
                events = [each for each in self._books.told.values() if _fits(each, fields, "type")]
                return objects.listing(events, url="/v1/events", limit=_limit(fields))
            case ("events", event_id):
                return self.event(event_id)
        kind = _KINDS.get(words[:-1])
        if kind is None:
            raise StripeRefusal(f"Unrecognized request URL (GET: /v1/{'/'.join(words)}).", status=HTTPStatus.NOT_FOUND)
        one = self._books.get(words[-1])
        if one is None or one["object"] != kind:
            raise no_such(kind, words[-1])
        return self.expanded(one, fields)

    def event(self, event_id: object) -> Json:
        """An event by its id. Raises StripeRefusal."""
        found = self._books.told.get(str(event_id))
        if found is None:
            raise no_such("event", str(event_id))
        return found

    def expanded(self, found: Json, fields: Json) -> Json:
        """An object as its merchant sees it, with what they asked to have in place of ids. Raises StripeRefusal."""
        body = objects.shown(found)
        for path in fields.get("expand", []):
            parts = str(path).split(".")
            if len(parts) > _DEPTH_MAX:
                raise StripeRefusal("You cannot expand more than 4 levels of a property.", param="expand")
            self._expand(body, parts, str(path))
        return body

    def _expand(self, body: Json, parts: list[str], path: str) -> None:
        name, *others = parts
        if name == "refunds" and body["object"] == "charge":
            url = f"/v1/charges/{body['id']}/refunds"
            body[name] = objects.listing(self._books.refunds_of(body["id"]), url=url, limit=_REFUNDS_OF_A_CHARGE)
        elif name in {"payment_intent", "latest_charge", "charge", "customer", "payment_method"} and name in body:
            if isinstance(body[name], str):
                body[name] = objects.shown(self._books.get(body[name]) or {})
            if others and body[name] is not None:
                self._expand(body[name], others, path)
        else:
            raise StripeRefusal(f"This property cannot be expanded ({path}).", param="expand")

    def _of_kind(self, kind: str) -> list[Json]:
        return [each for each in self._books.objects.values() if each["object"] == kind]


def _fits(found: Json, fields: Json, *names: str) -> bool:
    return all(found.get(name) == fields[name] for name in names if name in fields)


def _limit(fields: Json) -> int:
    limit: Any = fields.get("limit", "10")
    if not (isinstance(limit, str) and limit.isdigit() and 1 <= int(limit) <= _LIMIT_MAX):
        raise StripeRefusal("This value must be between 1 and 100.", param="limit")
    return int(limit)
