# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from typing import Any

import pytest

from tsuzuku.channels.partner_api.application import Application, is_partner_api
from tsuzuku.channels.partner_api.http import PROBLEMS
from tsuzuku.channels.partner_api.openapi import CALLS, document

STRANGER = {"type": "http.request", "body": b"", "more_body": False}


def call(method: str, raw_path: bytes, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What is sent in answer."""
    sent: list[dict[str, Any]] = []
    waiting = list(messages) or [STRANGER]

    async def receive() -> dict[str, Any]:
        # Once a client has gone it stays so.
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def send(message: Any) -> None:  # noqa: ANN401 - the server takes any mapping
        sent.append(message)

    async def main() -> None:
        scope = {"type": "http", "method": method, "raw_path": raw_path, "headers": [(b"content-length", b"0")]}
        await Application()(scope, receive, send)

    asyncio.run(main())
    return sent


def answer(method: str, raw_path: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    start, body = call(method, raw_path)
    return start["status"], dict(start["headers"]), body["body"]


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [("/api/v1", True), ("/api/v1/", True), ("/api/v1/x", True), ("/api/v10", False), ("/api", False), ("*", False)],
)
def test_whose_an_address_is(path: str, is_ours: bool) -> None:
    assert is_partner_api(path) == is_ours


@pytest.mark.parametrize(
    "raw_path",
    [b"/api/v1", b"/api/v1/", b"/api/v1/x", b"/api%2Fv1/docs", b"/api/v1/docs/", b"/api/v1//docs", b"/api/v1/cards/",
     b"/api/v1/cards/%FF", b"/api/v1/cards//plans"],
)  # fmt: skip
def test_an_address_that_leads_nowhere(raw_path: bytes) -> None:
    status, headers, body = answer("GET", raw_path)
    assert (status, headers[b"content-type"]) == (404, b"application/problem+json")
    assert json.loads(body)["code"] == "path-unknown"


def test_an_escaped_address_is_the_same_address() -> None:
    assert answer("GET", b"/api/v1/%64ocs")[0] == 200


@pytest.mark.parametrize(
    ("method", "raw_path", "allow"),
    [("GET", b"/api/v1/renewals", b"POST"), ("POST", b"/api/v1/docs", b"GET, HEAD"),
     ("BREW", b"/api/v1/cards/1/lots/2/start", b"POST"), ("OPTIONS", b"/api/v1/renewals/batch", b"POST")],
)  # fmt: skip
def test_a_method_that_is_not_taken(method: str, raw_path: bytes, allow: bytes) -> None:
    status, headers, _ = answer(method, raw_path)
    assert (status, headers[b"allow"]) == (405, allow)


def test_head_says_how_long_the_body_would_be() -> None:
    status, headers, body = answer("HEAD", b"/api/v1/openapi.json")
    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) == len(answer("GET", b"/api/v1/openapi.json")[2])


def test_a_body_that_breaks_off_is_refused_in_case_somebody_still_listens() -> None:
    start, *_ = call("POST", b"/api/v1/renewals", {"type": "http.disconnect"})
    assert start["status"] == 400


def test_the_page_loads_nothing_foreign() -> None:
    _, headers, body = answer("GET", b"/api/v1/docs")
    policy = b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    assert headers[b"content-security-policy"] == policy
    text = body.decode()
    assert "<script" not in text
    assert "style=" not in text
    for code in PROBLEMS:
        assert f'<tr id="{code}">' in text
    for page in CALLS:
        assert f"{page.method.upper()} /api/v1{page.path}" in text


def test_every_call_is_in_the_document() -> None:
    served = {
        (method.lower(), "/".join("*" if word is None else word for word in fixed))
        for fixed, calls in Application()._routes
        for method in calls
    }
    written = {
        (method, "/".join("*" if word.startswith("{") else word for word in path.strip("/").split("/")))
        for path, operations in document()["paths"].items()
        for method in operations
    }
    assert served == written | {("get", "openapi.json"), ("get", "docs")}


def test_every_reference_in_the_document_leads_somewhere() -> None:
    found = document()

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [each for child in node.values() for each in references(child)]
        return [each for child in node for each in references(child)] if isinstance(node, (list, tuple)) else []

    for reference in references(found):
        node: Any = found
        for word in reference.removeprefix("#/").split("/"):
            node = node[word]
