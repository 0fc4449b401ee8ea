# SPDX-License-Identifier: Apache-2.0
"""Receives webhooks in a test."""

import queue
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_WAIT_SECONDS = 20


class WebhookReceiver:
    """Listens at `url`; answers 200, or what `answers` says next."""

    def __init__(self, url: str) -> None:
        self.url = url
        #: The status codes of the next answers; 200 when it is empty.
        self.answers: deque[int] = deque()
        #: The body of answers with 200.
        self.reply = b""
        self._received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    def take(self, count: int = 1, *, wait_seconds: float = _WAIT_SECONDS) -> list[tuple[dict[str, str], bytes]]:
        """The next webhooks as headers and body, refused ones included. Raises TimeoutError if too few come."""
        try:
            return [self._received.get(timeout=wait_seconds) for _ in range(count)]
        except queue.Empty:
            raise TimeoutError(f"fewer than {count} webhooks came") from None

    def forget(self) -> None:
        """Forgets what has come and was not taken."""
        with suppress(queue.Empty):
            while True:
                self._received.get_nowait()

    def receive(self, headers: dict[str, str], body: bytes) -> int:
        """Keeps a webhook; returns the status to answer with."""
        self._received.put((headers, body))
        return self.answers.popleft() if self.answers else 200


@contextmanager
def receiving(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[WebhookReceiver]:
    """A receiver that listens while the block runs; over https, under a name of this machine, if `tls` is given."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.receiver = WebhookReceiver(f"{'https' if tls else 'http'}://{host}:{server.server_port}/webhooks")
    if tls:
        # Shaking hands is the business of each call's own thread: a caller who leaves it unfinished stops nobody.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    receiver: WebhookReceiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of callers who leave; the test looks at what came."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.receiver.receive(dict(self.headers.items()), body)
        reply = self.server.receiver.reply if status == HTTPStatus.OK else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, _template: str, *_words: object) -> None:
        """Says nothing; the test looks at what came."""
