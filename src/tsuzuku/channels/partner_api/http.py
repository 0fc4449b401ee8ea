# SPDX-License-Identifier: Apache-2.0
"""Answers, and problems (RFC 9457)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, NamedTuple

BASE: Final = "/api/v1"
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PROBLEM: Final = "application/problem+json"

#: Every problem there is: its code, its status and what to do about it, in a sentence.
PROBLEMS: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "body-malformed": (HTTPStatus.BAD_REQUEST, "The body is not what this call takes."),
    "idempotency-key-missing": (HTTPStatus.BAD_REQUEST, "Send an Idempotency-Key header."),
    "idempotency-key-malformed": (
        HTTPStatus.BAD_REQUEST,
        "An Idempotency-Key is 1 to 255 printable ASCII characters.",
    ),
    "key-unknown": (HTTPStatus.UNAUTHORIZED, "Send a living API key: Authorization: Bearer <key>."),
    "funds-insufficient": (HTTPStatus.PAYMENT_REQUIRED, "The account does not cover the price. Top it up."),
    "scope-missing": (HTTPStatus.FORBIDDEN, "This key may not make this call."),
    "card-unknown": (HTTPStatus.NOT_FOUND, "There is no such card among yours."),
    "lot-unknown": (HTTPStatus.NOT_FOUND, "This card has no lot of that id."),
    "plan-unknown": (HTTPStatus.NOT_FOUND, "There is no such plan on sale to partners."),
    "renewal-unknown": (HTTPStatus.NOT_FOUND, "There is no such renewal among yours."),
    "path-unknown": (HTTPStatus.NOT_FOUND, "There is no such call."),
    "method-not-allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "This address does not take this method."),
    "card-expired": (HTTPStatus.CONFLICT, "The card is past the time in which it can be renewed."),
    "card-suspended": (HTTPStatus.CONFLICT, "The card is suspended or reported lost."),
    "idempotency-key-reused": (HTTPStatus.CONFLICT, "This key has already renewed this card with another plan."),
    "lot-not-startable": (HTTPStatus.CONFLICT, "This lot does not wait for a tap."),
    "nothing-to-join": (HTTPStatus.CONFLICT, "The plan adds to a running plan, and this card has none."),
    "plan-not-for-card": (HTTPStatus.CONFLICT, "The plan is for other groups of cards."),
    "stack-full": (HTTPStatus.CONFLICT, "The card holds as many renewals as the plan allows."),
    "body-too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Send less at once."),
    "media-type-unsupported": (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Send the media type and the encoding that this call takes.",
    ),
    "iccid-malformed": (HTTPStatus.UNPROCESSABLE_ENTITY, "An ICCID has 19 digits, the last of them a check digit."),
    "line-malformed": (HTTPStatus.UNPROCESSABLE_ENTITY, "The line is not what this call takes."),
    "rate-limited": (HTTPStatus.TOO_MANY_REQUESTS, "Too many calls. Wait as long as Retry-After says."),
    "internal": (HTTPStatus.INTERNAL_SERVER_ERROR, "Our mistake. Nothing is lost: send the same again later."),
    "try-again": (HTTPStatus.SERVICE_UNAVAILABLE, "Not now. Send the same again; what was done is not done twice."),
}


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(slots=True)
class Problem(Exception):
    """A refusal by its code; raised or kept, never a surprise."""

    code: str
    detail: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    def fields(self) -> dict[str, Any]:
        """As RFC 9457 has it."""
        status, title = PROBLEMS[self.code]
        fields = {"type": f"{BASE}/docs#{self.code}", "title": title, "status": int(status), "code": self.code}
        return fields | {"detail": self.detail} if self.detail else fields

    def answer(self) -> Answer:
        """As an answer of its own."""
        return Answer(PROBLEMS[self.code][0], encoded(self.fields()), PROBLEM, self.headers)


_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(fields: object) -> bytes:
    """JSON in UTF-8 without spaces, the same bytes for the same fields."""
    return _to_json(fields).encode()


def retry_after(seconds: int) -> tuple[tuple[bytes, bytes], ...]:
    """The header that says how long to wait."""
    return ((b"retry-after", str(seconds).encode()),)
