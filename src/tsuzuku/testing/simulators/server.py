# SPDX-License-Identifier: Apache-2.0
"""HTTP for a sandbox, and one process per folder: who listens writes its address there, who comes second changes it."""

import fcntl
import ipaddress
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
import traceback
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from tsuzuku.kernel.whole_files import write_whole

BODY_BYTES_MAX = 256_000
ADDRESS_FILE = "address.json"
LOCK_FILE = "lock"
_START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a sandbox reads it. `path` holds the parts between slashes; header names are in lower case.

    `query` is what stands behind the question mark, as it came.
    """

    method: str
    path: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes
    query: str = ""

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Refusal.

        A body of another type is refused: a browser sends JSON to another origin only if allowed, and nobody allows it.
        """
        if self.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported")
        try:
            found = json.loads(self.body)
        except ValueError:
            raise Refusal(HTTPStatus.BAD_REQUEST, "body-malformed") from None
        if isinstance(found, dict):
            return found
        raise Refusal(HTTPStatus.BAD_REQUEST, "body-malformed")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: JSON unless the headers say something else."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Answered with a status and a code, and nothing has happened."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code


class HangUp(Exception):
    """The connection is closed without an answer."""


def answer_json(fields: object, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(status, json.dumps(fields, ensure_ascii=False).encode(), headers or {})


class Sandbox(ABC):
    """What a sandbox does with requests; called by many threads at once."""

    #: Of the process, and of its folder in TSUZUKU_HOME.
    name: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """Answers a request, or raises Refusal or HangUp."""

    @abstractmethod
    def address(self) -> dict[str, object]:
        """What the adapter should know besides the URL."""

    @abstractmethod
    def start(self) -> None:
        """Called when the sandbox listens, before it is announced."""

    @abstractmethod
    def close(self) -> None:
        """Called when it no longer listens."""

    def announce(self) -> None:
        """Tells adapters where the sandbox is and how it behaves."""
        content = {"url": self.url, "pid": os.getpid(), **self.address()}
        write_whole(self.folder / ADDRESS_FILE, json.dumps(content) + "\n")


@contextmanager
def listening(
    sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Sandbox]:
    """Serves a sandbox while the block runs, over https if `tls` is given.

    Port 0: the one it had last time if that is free, else any.
    """
    server = _bind(sandbox, host, port)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sandbox.url = f"{'https' if tls else 'http'}://{_reachable(host)}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        sandbox.start()
        sandbox.announce()
        yield sandbox
    finally:
        server.shutdown()
        server.server_close()
        sandbox.close()


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A sandbox to run: how it is made, where it keeps its files and listens, and what changes one that runs there."""

    make: Callable[[], Sandbox]
    folder: Path
    host: str
    #: 0: the one it had last time if that is free, else any.
    port: int
    control: Mapping[str, object]
    control_headers: Callable[[], Mapping[str, str]] = dict


def run(stands: Sequence[Stand], *, tell: Callable[[str], None]) -> None:
    """Runs sandboxes in this process until SIGINT or SIGTERM; returns at once if all of them run elsewhere already.

    One that runs in its folder already is sent its `control` instead. `tell` gets a line for people. The address file
    stays when a sandbox ends: an adapter then finds nobody there, which is what an outage looks like. Raises OSError if
    a folder is taken by a process that does not answer.
    """
    with ExitStack() as claims:
        ours = [stand for stand in stands if _claim_or_change(stand, claims, tell=tell)]
        if not ours:
            return
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        for stand in ours:
            sandbox = claims.enter_context(listening(stand.make(), host=stand.host, port=stand.port))
            tell(f"The {sandbox.name} listens on {sandbox.url}")
        stopped.wait()


def _claim_or_change(stand: Stand, claims: ExitStack, *, tell: Callable[[str], None]) -> bool:
    """Whether this process has the stand's folder from now on; if not, the sandbox there has been changed."""
    stand.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    until = time.monotonic() + _START_SECONDS
    while not claims.enter_context(_claim(stand.folder)):
        try:
            url = _change_running(stand.folder, stand.control, stand.control_headers())
        except (OSError, ValueError, KeyError):
            # It is still starting, or just ending: then the folder is free the next time round.
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            tell(f"One runs already at {url}; it has been changed.")
            return False
    return True


@contextmanager
def _claim(folder: Path) -> Iterator[bool]:
    """Whether this process has the folder; the system frees it when the process ends, however it ends."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield True
    finally:
        os.close(descriptor)


def _change_running(folder: Path, control: Mapping[str, object], headers: Mapping[str, str]) -> str:
    """Sends `control` to the sandbox that has the folder; returns its URL."""
    address = json.loads((folder / ADDRESS_FILE).read_text(encoding="utf-8"))
    if str(address["pid"]) != (folder / LOCK_FILE).read_text(encoding="ascii"):
        raise ConnectionError("the sandbox that has this folder has not announced itself")
    request = urllib.request.Request(  # noqa: S310 - an address that a sandbox wrote
        f"{address['url']}/control",
        data=json.dumps(control).encode(),
        headers={"Content-Type": "application/json", **headers},
        method="POST",
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5):
        return str(address["url"])


def parse_bind(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, an IPv4 address or a name. ValueError if it is something else."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("must be HOST:PORT")
    return host, int(port)


def _bind(sandbox: Sandbox, host: str, port: int) -> "_Server":
    for wanted in (port or _last_port(sandbox.folder), port):
        try:
            return _Server((host, wanted), sandbox)
        except OSError:
            if wanted == port:
                raise
    raise AssertionError("the loop returns or raises")


def _last_port(folder: Path) -> int:
    try:
        address = json.loads((folder / ADDRESS_FILE).read_text(encoding="utf-8"))
        return urlsplit(address["url"]).port or 0
    except (FileNotFoundError, ValueError, KeyError):
        return 0


def _reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(socket.gethostbyname(host)).is_loopback
    except (OSError, ValueError):
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.is_private = _is_loopback(address[0])
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """As inherited, without asking the name service for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints what went wrong in here; a client that went away is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def version_string(self) -> str:
        """The Server header."""
        return "TsuzukuSandbox"

    def do_GET(self) -> None:
        self._exchange()

    def do_HEAD(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def do_PATCH(self) -> None:
        self._exchange()

    def log_message(self, _template: str, *_words: object) -> None:
        """Paths hold card numbers; nothing is logged."""

    def _exchange(self) -> None:
        self.close_connection = True
        try:
            response = self.server.sandbox.answer(self._request())
        except HangUp:
            # Shut down in both directions, or the client would wait for an answer that no longer comes.
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Refusal as refusal:
            response = answer_json({"code": refusal.code}, status=refusal.status)
        self.send_response(response.status)
        for name, value in {"Content-Type": "application/json", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _request(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        # A page of a stranger can give this address a name of its own; then the browser says that name.
        if self.server.is_private and not _is_loopback_name(host):
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "host-unknown")
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            raise Refusal(HTTPStatus.BAD_REQUEST, "body-malformed") from None
        if not 0 <= length <= BODY_BYTES_MAX:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large")
        address = urlsplit(self.path)
        path = tuple(unquote(part) for part in address.path.split("/") if part)
        method = "GET" if self.command == "HEAD" else self.command
        return Request(method, path, headers, self.rfile.read(length), address.query)


def _is_loopback_name(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
