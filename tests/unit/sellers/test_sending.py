# SPDX-License-Identifier: Apache-2.0
"""A POST reaches what was checked, over TLS that fits the name, and ends in time whatever the other side does."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import httpx
import pytest

from tsuzuku.kernel.public_calls import Answer
from tsuzuku.kernel.public_hosts import Address
from tsuzuku.sellers.sending import post
from tsuzuku.testing.certificates import Authority
from tsuzuku.testing.receiver import WebhookReceiver, receiving

BODY = '{"name": "続"}'.encode()


def send(url: str, *, call_seconds: float = 10.0) -> Answer:
    return post(httpx.URL(url), BODY, headers={"Content-Type": "application/json"}, call_seconds=call_seconds)


@contextmanager
def raw_server(tls: ssl.SSLContext | None, answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that reads a request and answers bytes of its own; yields its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listening.accept()
            with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                received = b""
                # All of it: closing over what was not read would cut off the answer.
                while tls and not received.endswith(BODY):
                    received += stream.recv(65536)
                answer(stream)
        except OSError:
            pass  # The caller left, or the test is over.

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        thread.join(timeout=5)


def test_a_body_arrives_as_it_is(receiver: WebhookReceiver) -> None:
    assert send(receiver.url) == Answer(status=200)
    ((headers, body),) = receiver.take()
    assert body == BODY
    host = receiver.url.removeprefix("https://").removesuffix("/webhooks")
    assert headers == {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(BODY))}


@pytest.mark.parametrize(
    ("status", "is_receipt"),
    [(200, True), (201, True), (204, True), (299, True), (301, False), (404, False), (500, False)],
)
def test_any_2xx_is_a_receipt(receiver: WebhookReceiver, status: int, is_receipt: bool) -> None:
    receiver.answers.append(status)
    answer = send(receiver.url)
    assert (answer, answer.is_receipt) == (Answer(status=status), is_receipt)


def test_a_redirect_is_not_followed(authority: Authority, own_network: None, receiver: WebhookReceiver) -> None:
    def redirect(stream: socket.socket) -> None:
        stream.sendall(f"HTTP/1.1 307 Go\r\nLocation: {receiver.url}\r\nContent-Length: 0\r\n\r\n".encode())

    with raw_server(authority.server("localhost"), redirect) as port:
        assert send(f"https://localhost:{port}/") == Answer(status=307)
    with pytest.raises(TimeoutError):
        receiver.take(wait_seconds=0.1)


def test_what_a_name_means_is_looked_up_once_and_that_is_connected_to(receiver: WebhookReceiver) -> None:
    """A name that means something public when it is checked, and something else when it is connected to."""
    asked: list[str] = []

    def first_here_then_elsewhere(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.2")]

    url = httpx.URL(receiver.url)
    assert post(url, BODY, headers={}, resolve=first_here_then_elsewhere) == Answer(status=200)
    assert asked == ["localhost"]


def test_nothing_is_sent_into_the_private_network(authority: Authority) -> None:
    with receiving(tls=authority.server("localhost"), host="localhost") as receiver:
        assert send(receiver.url) == Answer(problem="address-not-public")
        with pytest.raises(TimeoutError):
            receiver.take(wait_seconds=0.1)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    def both(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.216.34"), ip_address("127.0.0.1")]

    url = httpx.URL("https://partner.example/")
    assert post(url, BODY, headers={}, resolve=both) == Answer(problem="address-not-public")


def test_a_name_that_means_nothing_any_more() -> None:
    assert send("https://no-such-host.invalid/") == Answer(problem="address-host-unknown")


def test_the_next_address_is_tried_when_one_does_not_connect(receiver: WebhookReceiver) -> None:
    def two(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.9"), ip_address("127.0.0.1")]

    assert post(httpx.URL(receiver.url), BODY, headers={}, resolve=two) == Answer(status=200)


def test_nobody_listens(own_network: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert send(f"https://127.0.0.1:{port}/") == Answer(problem="unreachable")


def test_a_certificate_of_another_name_is_refused(authority: Authority, own_network: None) -> None:
    with receiving(tls=authority.server("partner.example"), host="localhost") as receiver:
        assert send(receiver.url) == Answer(problem="tls-failed")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    authority: Authority, own_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsuzuku.kernel import public_calls

    monkeypatch.delenv("SSL_CERT_FILE")
    public_calls._tls.cache_clear()
    with receiving(tls=authority.server("localhost"), host="localhost") as receiver:
        assert send(receiver.url) == Answer(problem="tls-failed")


def test_a_server_that_speaks_no_tls(own_network: None) -> None:
    with raw_server(None, lambda stream: stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        assert send(f"https://localhost:{port}/") == Answer(problem="tls-failed")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"no http at all\r\n\r\n", b"HTTP/1.1 999999 OK\r\n\r\n"])
def test_an_answer_that_is_none(authority: Authority, own_network: None, answer: bytes) -> None:
    with raw_server(authority.server("localhost"), lambda stream: stream.sendall(answer)) as port:
        assert send(f"https://localhost:{port}/") == Answer(problem="answer-malformed")


def test_an_endless_body_is_not_read(authority: Authority, own_network: None) -> None:
    def endless(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            stream.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")

    with raw_server(authority.server("localhost"), endless) as port:
        began = time.monotonic()
        assert send(f"https://localhost:{port}/") == Answer(status=200)
        assert time.monotonic() - began < 3


def test_an_answer_that_drips_ends_in_time(authority: Authority, own_network: None) -> None:
    def drip(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            stream.sendall(b"X-Slow: 1\r\n")
            time.sleep(0.05)

    with raw_server(authority.server("localhost"), drip) as port:
        began = time.monotonic()
        assert send(f"https://localhost:{port}/", call_seconds=0.5) == Answer(problem="unanswered")
        assert time.monotonic() - began < 2


def test_a_look_up_that_took_too_long_sends_nothing(receiver: WebhookReceiver) -> None:
    def slow(host: str, port: int) -> list[Address]:
        time.sleep(0.3)
        return [ip_address("127.0.0.1")]

    url = httpx.URL(receiver.url)
    assert post(url, BODY, headers={}, call_seconds=0.2, resolve=slow) == Answer(problem="unreachable")
    with pytest.raises(TimeoutError):
        receiver.take(wait_seconds=0.1)
