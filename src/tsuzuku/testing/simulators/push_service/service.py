# SPDX-License-Identifier: Apache-2.0
"""Plays a push service: POST /push/{token} with a claim by the key that the browser was given."""

import json
import secrets
from base64 import urlsafe_b64decode
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.push_service.browser import Browser
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox

_BODY_BYTES_MAX = 4096
_DAY_SECONDS = 86_400


class PushService(Sandbox):
    """In memory."""

    name = "push-service"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.faults = Faults()
        self.browsers: dict[str, Browser] = {}
        #: What each browser is to hear, by topic: a message of the same topic takes the place of the one before.
        self.waiting: dict[str, dict[str, bytes]] = {}
        self._gone: set[str] = set()

    def address(self) -> dict[str, object]:
        return {}

    def start(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def subscribe(self, application_key: str) -> Browser:
        """A browser that has subscribed."""
        token = secrets.token_urlsafe(24)
        browser = Browser(endpoint=f"{self.url}/push/{token}", application_key=application_key)
        self.browsers[token], self.waiting[token] = browser, {}
        return browser

    def unsubscribe(self, browser: Browser) -> None:
        """The browser wants no more."""
        self._gone.add(browser.endpoint.rpartition("/")[2])

    def read(self, browser: Browser) -> list[dict[str, Any]]:
        """What waits for a browser, oldest first, as it reads it."""
        return [browser.read(body) for body in self.waiting[browser.endpoint.rpartition("/")[2]].values()]

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", ("push", token) if token in self._gone:
                raise Refusal(HTTPStatus.GONE, "unsubscribed")
            case "POST", ("push", token) if token in self.browsers:
                self._check(request, self.browsers[token])
                return self.faults.play(lambda: self._take(request, token))
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    def _take(self, request: Request, token: str) -> Response:
        topic = request.headers.get("topic", secrets.token_urlsafe(8))
        self.waiting[token][topic] = request.body
        return Response(HTTPStatus.CREATED, b"", {"Location": f"{self.url}/messages/{secrets.token_urlsafe(8)}"})

    def _check(self, request: Request, browser: Browser) -> None:
        """Refuses what RFC 8030 and RFC 8292 want refused."""
        if not request.headers.get("ttl", "").isdigit() or request.headers.get("content-encoding") != "aes128gcm":
            raise Refusal(HTTPStatus.BAD_REQUEST, "headers-missing")
        if len(request.headers.get("topic", "")) > 32:
            raise Refusal(HTTPStatus.BAD_REQUEST, "topic-too-long")
        if len(request.body) > _BODY_BYTES_MAX:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large")
        try:
            claims = _claims(request.headers.get("authorization", ""), browser.application_key)
        except (ValueError, KeyError, InvalidSignature):
            raise Refusal(HTTPStatus.FORBIDDEN, "claim-wrong") from None
        left = claims["exp"] - clock.now().timestamp()
        if claims["aud"] != self.url or not 0 < left <= _DAY_SECONDS:
            raise Refusal(HTTPStatus.FORBIDDEN, "claim-wrong")
        if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
            raise Refusal(HTTPStatus.FORBIDDEN, "subject-missing")


def _claims(header: str, application_key: str) -> dict[str, Any]:
    """The claims of a header that the key signed. Raises ValueError, KeyError or InvalidSignature."""
    scheme, _, rest = header.partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    if scheme.lower() != "vapid" or given["k"] != application_key:
        raise ValueError("another key than the browser was given")
    signed, _, signature = given["t"].rpartition(".")
    head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    if head["alg"] != "ES256":
        raise ValueError("no ES256")
    raw = _decoded(signature)
    pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(given["k"]))
    key.verify(pair, signed.encode(), ec.ECDSA(SHA256()))
    found: dict[str, Any] = claims
    return found


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
