# SPDX-License-Identifier: Apache-2.0
"""A proxy between a browser and everything else, which can be cut, or lose the answers to what it has passed on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"


class Line(Enum):
    """What becomes of a request."""

    GOOD = "good"
    #: It does not arrive.
    CUT = "cut"
    #: It arrives, and its answer does not.
    MUTE = "mute"


class BadLine:
    """Carries one request on each connection."""

    def __init__(self) -> None:
        self.line = Line.GOOD
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Takes no more requests."""
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(browser,), daemon=True).start()

    def _carry(self, browser: socket.socket) -> None:
        with browser, suppress(OSError):
            request = b""
            while _HEAD_END not in request:
                if not (read := browser.recv(65536)):
                    return
                request += read
            line = self.line
            if line is Line.CUT:
                return
            host, port, request = _to_origin(request)
            with socket.create_connection((host, port)) as server:
                server.sendall(request)
                # What more there is of the body goes on while the answer is read.
                threading.Thread(target=_pour, args=(browser, server), daemon=True).start()
                while answer := server.recv(65536):
                    if line is Line.MUTE:
                        break
                    browser.sendall(answer)
                # While another thread reads from it, to close it alone would tell the browser nothing.
                browser.shutdown(socket.SHUT_RDWR)


def _to_origin(request: bytes) -> tuple[str, int, bytes]:
    """Where a request to a proxy wants to go, and what is said there (RFC 9112, section 3.2)."""
    head, body = request.split(_HEAD_END, 1)
    first, *fields = head.split(b"\r\n")
    method, address, version = first.split(b" ")
    url = urlsplit(address.decode())
    path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}".encode()
    kept = [field for field in fields if not field.lower().startswith((b"connection:", b"proxy-connection:"))]
    lines = [b" ".join([method, path, version]), *kept, b"Connection: close"]
    return url.hostname or "", url.port or 80, b"\r\n".join(lines) + _HEAD_END + body


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while read := source.recv(65536):
            target.sendall(read)


@contextmanager
def bad_line() -> Iterator[BadLine]:
    """A proxy for a while."""
    line = BadLine()
    try:
        yield line
    finally:
        line.close()
