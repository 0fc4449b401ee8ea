# SPDX-License-Identifier: Apache-2.0
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tsuzuku.kernel import calls
from tsuzuku.kernel.calls import Answer, call, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable

Speak = Callable[[socket.socket], None]


@contextmanager
def listener(speak: Speak) -> Iterator[str]:
    """A server that reads a request and then does what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                speak(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x"
        thread.join()


def says(status: int, body: bytes = b"{}") -> Speak:
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with new_client(through_proxy=False) as client:
        yield client


def outcome(client: httpx.Client, speak: Speak, *, changes_nothing: bool = False) -> tuple[type[PortError], str]:
    with listener(speak) as url, pytest.raises(PortError) as raised:
        call(client, "POST", url, fields={}, changes_nothing=changes_nothing)
    return type(raised.value), raised.value.code


def test_returns_a_yes_as_it_came(client: httpx.Client) -> None:
    with listener(says(201, b'{"id": "\xff"}')) as url:
        answer = call(client, "POST", url, fields={"n": 1})
    assert answer == Answer(201, b'{"id": "\xff"}')
    assert answer.text == '{"id": "\ufffd"}'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b"{}", (Rejected, "http-400")),
        (422, b'{"code": "card-blocked"}', (Rejected, "card-blocked")),
        (422, b'{"code": "Card 8981100000000000004"}', (Rejected, "http-422")),
        (409, b"[]", (Rejected, "http-409")),
        (404, b"<html>", (Rejected, "http-404")),
        (401, b"{}", (Unavailable, "http-401")),
        (403, b"{}", (Unavailable, "http-403")),
        (408, b"{}", (Unavailable, "http-408")),
        (429, b"{}", (Unavailable, "http-429")),
        (503, b'{"code": "busy"}', (Unavailable, "busy")),
        (500, b"{}", (OutcomeUnknown, "http-500")),
        (502, b"{}", (OutcomeUnknown, "http-502")),
        (504, b"{}", (OutcomeUnknown, "http-504")),
        (302, b"", (OutcomeUnknown, "http-302")),
    ],
)
def test_tells_the_outcomes_apart(
    client: httpx.Client, status: int, body: bytes, expected: tuple[type[PortError], str]
) -> None:
    assert outcome(client, says(status, body)) == expected


def test_not_reached_is_unavailable(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(Unavailable, match="unreachable"):
        call(client, "POST", url)


@pytest.mark.parametrize(
    "speak",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
        lambda connection: connection.sendall(b"nonsense\r\n\r\n"),
        lambda connection: time.sleep(0.5),
    ],
    ids=["closed", "cut", "nonsense", "silent"],
)
def test_sent_without_an_answer_is_unknown_unless_it_only_asked(
    client: httpx.Client, speak: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.timeout = httpx.Timeout(0.2)
    assert outcome(client, speak) == (OutcomeUnknown, "unanswered")
    assert outcome(client, speak, changes_nothing=True) == (Unavailable, "unanswered")


def test_an_answer_has_an_end(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "BODY_BYTES_MAX", 1000)
    assert outcome(client, says(200, b"x" * 1001)) == (OutcomeUnknown, "answer-too-long")
    monkeypatch.setattr(calls, "ANSWER_SECONDS", 0.2)

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(4):
            connection.sendall(b"x")
            time.sleep(0.1)

    assert outcome(client, drip) == (OutcomeUnknown, "answer-too-long")


def test_only_an_object_has_fields() -> None:
    assert Answer(200, json.dumps({"n": 1}).encode()).fields() == {"n": 1}
    for body in (b"[1]", b"", b"x"):
        with pytest.raises(ValueError, match=r"object|Expecting"):
            Answer(200, body).fields()


def test_addresses_do_not_reach_the_log(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listener(says(200)) as url:
        call(client, "GET", f"{url}/8981100000000000004")
    assert [record for record in caplog.records if "898110" in record.getMessage()] == []
