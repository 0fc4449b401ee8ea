# SPDX-License-Identifier: Apache-2.0
import http.client
import json
import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tsuzuku.testing.simulators.server import (
    BODY_BYTES_MAX,
    HangUp,
    Refusal,
    Request,
    Response,
    Sandbox,
    answer_json,
    listening,
    parse_bind,
)


class Echo(Sandbox):
    """Answers what it was asked."""

    name = "echo"

    def answer(self, request: Request) -> Response:
        match request.path:
            case ("hang-up",):
                raise HangUp
            case ("refuse",):
                raise Refusal(HTTPStatus.CONFLICT, "refused")
        return answer_json({"path": request.path, "body": request.fields() if request.body else None})

    def address(self) -> dict[str, object]:
        return {"mode": "echo"}

    def start(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Sandbox]:
    with listening(Echo(tmp_path)) as echo:
        yield echo


def ask(
    echo: Sandbox, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", int(echo.url.rpartition(":")[2]), timeout=5)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None
    finally:
        connection.close()


JSON = {"Content-Type": "application/json"}


def test_splits_the_path_and_reads_json(echo: Sandbox) -> None:
    assert ask(echo, "POST", "/a/b%20c/?x=1", body=b'{"n": 1}', headers=JSON) == (
        200,
        {"path": ["a", "b c"], "body": {"n": 1}},
    )


def test_announces_itself(echo: Sandbox, tmp_path: Path) -> None:
    address = json.loads((tmp_path / "address.json").read_text(encoding="utf-8"))
    assert (address["url"], address["mode"]) == (echo.url, "echo")


def test_takes_its_last_port_again(tmp_path: Path) -> None:
    with listening(Echo(tmp_path)) as first:
        url = first.url
    with listening(Echo(tmp_path)) as second:
        assert second.url == url


def test_takes_another_port_when_its_last_one_is_taken(tmp_path: Path) -> None:
    with listening(Echo(tmp_path)) as first:
        url = first.url
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))), listening(Echo(tmp_path)) as second:
        assert second.url != url


@pytest.mark.parametrize(
    ("path", "body", "headers", "expected"),
    [
        ("/refuse", None, {}, (409, {"code": "refused"})),
        ("/a", b'{"n"', JSON, (400, {"code": "body-malformed"})),
        ("/a", b"[1]", JSON, (400, {"code": "body-malformed"})),
        ("/a", b'{"n": 1}', {"Content-Type": "text/plain"}, (415, {"code": "media-type-unsupported"})),
        ("/a", b"", {"Content-Length": "x"}, (400, {"code": "body-malformed"})),
        ("/a", b"", {"Content-Length": str(BODY_BYTES_MAX + 1)}, (413, {"code": "body-too-large"})),
        ("/a", None, {"Host": "evil.example"}, (421, {"code": "host-unknown"})),
        ("/a", None, {"Host": "localhost:1"}, (200, {"path": ["a"], "body": None})),
    ],
)
def test_refuses_what_is_malformed_or_from_elsewhere(
    echo: Sandbox, path: str, body: bytes | None, headers: dict[str, str], expected: tuple[int, object]
) -> None:
    assert ask(echo, "POST", path, body=body, headers=headers) == expected


def test_hangs_up_without_an_answer(echo: Sandbox) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(echo, "POST", "/hang-up")


@pytest.mark.parametrize(
    ("text", "expected"), [("127.0.0.1:0", ("127.0.0.1", 0)), ("localhost:8000", ("localhost", 8000))]
)
def test_reads_where_to_listen(text: str, expected: tuple[str, int]) -> None:
    assert parse_bind(text) == expected


@pytest.mark.parametrize("text", ["", "8000", ":8000", "host:", "host:x", "host:65536", "host:-1"])
def test_refuses_where_nobody_can_listen(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_bind(text)
