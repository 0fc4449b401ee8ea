# SPDX-License-Identifier: Apache-2.0
"""What the partner API says of itself: the OpenAPI document, and a page for people. Both need no key."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from tsuzuku.channels.partner_api.http import BASE, PROBLEMS, Answer, encoded
from tsuzuku.channels.partner_api.openapi import ALWAYS, CALLS, SCHEMAS, document
from tsuzuku.channels.partner_api.request import SHORT_BYTES_MAX, Request
from tsuzuku.sellers.webhooks import RETRY_AFTER

#: The page loads our stylesheet and icon, and nothing else.
_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
)

#: What to do about each problem. Where nothing else is said, nothing was changed.
WHAT_TO_DO: Final[Mapping[str, str]] = {
    "body-malformed": "Mend the body: one JSON object in UTF-8, or JSON lines, or gzip of them that is not cut.",
    "idempotency-key-missing": "Make up a key for each renewal, keep it, and send it as Idempotency-Key.",
    "idempotency-key-malformed": "Use 1 to 255 printable ASCII characters, and the header once.",
    "key-unknown": "Send a key that was given to you and has not been revoked, as Authorization: Bearer <key>.",
    "funds-insufficient": "Pay into the account, or have its credit limit raised; then send the same again.",
    "scope-missing": "Ask the brand for a key with the scope that the detail names.",
    "card-unknown": "Check the number. A card that is not yours looks the same as one that does not exist.",
    "lot-unknown": "Read the card again; its lots have their ids there.",
    "plan-unknown": "List the card's plans; the code is written there, and whether it is on sale today.",
    "renewal-unknown": "Check the number. Somebody else's renewal looks the same as one that does not exist.",
    "path-unknown": "Check the address; it has no slash at its end.",
    "method-not-allowed": "Use one of the methods that the Allow header names.",
    "card-expired": "Nothing can be renewed on this card any more; its holder needs a new one.",
    "card-suspended": "Ask the brand: the card is suspended, or was reported lost.",
    "idempotency-key-reused": "This key has renewed this card with another plan. Use a new key for a new renewal.",
    "lot-not-startable": "Only a lot that waits for a tap can be started; read the card to see which does.",
    "nothing-to-join": "Choose a plan that stands alone: this one only adds to a running plan.",
    "plan-not-for-card": "List the card's plans and choose one of them.",
    "stack-full": "Wait until a plan on the card has ended.",
    "body-too-large": "Send less in one call; what was sent has not been applied, not even in part.",
    "media-type-unsupported": "Send the Content-Type that the call takes, and no Content-Encoding but gzip on lines.",
    "iccid-malformed": "Check the number: a digit is wrong or missing.",
    "line-malformed": "Mend this line; the others were answered for themselves.",
    "rate-limited": "Wait as many seconds as Retry-After says. A batch counts as one call.",
    "internal": "Send the same again later, with the same key. If it stays, tell the brand when it was.",
    "try-again": "Wait as Retry-After says and send the same again, with the same key: nothing is done twice.",
}


async def openapi(_request: Request) -> Answer:
    """`GET /openapi.json`."""
    return Answer(HTTPStatus.OK, _document())


async def docs(_request: Request) -> Answer:
    """`GET /docs`."""
    return Answer(HTTPStatus.OK, _page(), "text/html; charset=utf-8", (_POLICY,))


@cache
def _document() -> bytes:
    return encoded(document())


@cache
def _page() -> bytes:
    """In English, as the code that is written from it."""
    with translation.override("en"):
        return render_to_string(
            "partner_api/docs.html",
            {
                "base": BASE,
                "url": settings.PUBLIC_URL + BASE,
                "always": ALWAYS,
                "calls": [_call(call.answer) | {"page": call} for call in CALLS],
                "problems": [
                    {"code": code, "status": int(status), "title": title, "what_to_do": WHAT_TO_DO[code]}
                    for code, (status, title) in sorted(PROBLEMS.items())
                ],
                "short_bytes_max": f"{SHORT_BYTES_MAX:,}",
                "retries": len(RETRY_AFTER),
            },
        ).encode()


def _call(answer: str) -> dict[str, Any]:
    """The fields of a call's answer, by name."""
    schema = SCHEMAS[answer]
    return {"fields": list(schema["properties"])}
