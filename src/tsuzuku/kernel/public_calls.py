# SPDX-License-Identifier: Apache-2.0
"""One POST to an address that a stranger chose: connects only to what was checked, follows nothing, reads little.

Between the check of an address and the connection to it nothing is looked up again. TLS still holds the certificate
against the host name. Proxies of the environment are not used: they would look the name up themselves.
"""

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from tsuzuku.kernel.calls import ANSWER_SECONDS, CONNECT_SECONDS, SEND_SECONDS
from tsuzuku.kernel.public_hosts import AddressRefused, Network, Resolve, checked_addresses, port_of, resolved

#: From the look-up of the host to the status of the answer, however slowly its bytes come.
CALL_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a POST: the status that was answered, or why there is none."""

    status: int | None = None
    problem: str = ""

    @property
    def is_receipt(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def post(
    url: httpx.URL,
    body: bytes,
    *,
    headers: Mapping[str, str],
    private_networks: Sequence[Network],
    call_seconds: float = CALL_SECONDS,
    resolve: Resolve = resolved,
) -> Answer:
    """Sends `body` once. Returns the answer's status; its body is not read, a redirect is an answer like any other."""
    backend = _CheckedBackend(until=time.monotonic() + call_seconds, private_networks=private_networks, resolve=resolve)
    timeouts = {"connect": CONNECT_SECONDS, "write": SEND_SECONDS, "read": ANSWER_SECONDS, "pool": None}
    with httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend, max_keepalive_connections=0) as pool:
        try:
            with pool.stream(
                "POST",
                httpcore.URL(scheme=b"https", host=url.raw_host, port=port_of(url), target=url.raw_path),
                headers=[("Host", url.netloc.decode("ascii")), *headers.items()],
                content=body,
                extensions={"timeout": timeouts},
            ) as response:
                return Answer(status=response.status)
        except AddressRefused as refused:
            return Answer(problem=f"address-{refused.reason}")
        except _TlsFailed:
            return Answer(problem="tls-failed")
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return Answer(problem="unreachable")
        except httpcore.TimeoutException:
            return Answer(problem="unanswered")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return Answer(problem="answer-malformed")


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Trusts the usual authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR name."""
    return httpx.create_ssl_context()


class _TlsFailed(Exception):
    """Somebody is there, and is not who the certificate should say, or speaks no TLS."""


class _CheckedBackend(httpcore.NetworkBackend):
    """Looks a host up, checks every address behind it, and connects to one of those and to nothing else."""

    def __init__(self, *, until: float, private_networks: Sequence[Network], resolve: Resolve) -> None:
        self._until = until
        self._private_networks = private_networks
        self._resolve = resolve
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        checked = checked_addresses(host, port, private_networks=self._private_networks, resolve=self._resolve)
        for address in checked:
            try:
                stream = self._inner.connect_tcp(
                    str(address),
                    port,
                    _within(self._until, timeout, httpcore.ConnectTimeout),
                    local_address,
                    socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                failure = problem
            else:
                return _TimedStream(stream, until=self._until)
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A stream that ends at a moment, even if the other side sends a byte now and then."""

    def __init__(self, inner: httpcore.NetworkStream, *, until: float) -> None:
        self._inner = inner
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _within(self._until, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _within(self._until, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _within(self._until, timeout, httpcore.ConnectTimeout)
        try:
            return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), until=self._until)
        except httpcore.ConnectError as problem:
            if isinstance(problem.__cause__, ssl.SSLError):
                raise _TlsFailed from problem
            raise

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # httpcore's own signature
        return self._inner.get_extra_info(info)


def _within(until: float, timeout: float | None, too_late: type[httpcore.TimeoutException]) -> float:
    """What is left of a time-out before everything must have ended. Raises `too_late` if nothing is."""
    left = until - time.monotonic()
    if left <= 0:
        raise too_late
    return left if timeout is None else min(timeout, left)
