# SPDX-License-Identifier: Apache-2.0
"""A call as it comes in: its headers, and a body that is read, unpacked and taken apart up to a limit."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from typing import Any, Final

from tsuzuku.channels.partner_api.http import Problem

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

#: What is read before it is known who calls: far more than a renewal takes.
SHORT_BYTES_MAX: Final = 64_000
#: Whoever sends so slowly is not waited for.
_SECONDS_MAX: Final = 120
#: A client that is answered before it has sent everything may lose the answer, so this much is thrown away first.
_DISCARDED_BYTES_MAX: Final = 4_000_000
_LINE: Final = re.compile(rb"[^\n]+")


class ClientGone(Exception):
    """The client hung up before it had said everything. Nothing is done."""


class Body:
    """What a client sends, not read yet."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False

    async def read(self, bytes_max: int = SHORT_BYTES_MAX) -> bytes:
        """All of it. Raises Problem when it is longer than that or too slow, ClientGone when it is cut."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_SECONDS_MAX):
                while size <= bytes_max and not self._is_over:
                    parts.append(await self._next())
                    size += len(parts[-1])
        except TimeoutError:
            raise Problem("body-malformed", detail="It did not come to its end in time.") from None
        if size > bytes_max:
            raise Problem("body-too-large", detail=f"This call takes up to {bytes_max:,} bytes.")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def discard(self) -> None:
        """Throws away what was not read, within reason. Raises ClientGone."""
        if self._is_over:
            return
        size = 0
        try:
            async with asyncio.timeout(_SECONDS_MAX):
                while size <= _DISCARDED_BYTES_MAX and not self._is_over:
                    size += len(await self._next())
        except TimeoutError:
            return

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._is_over = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part


@dataclass(frozen=True, slots=True)
class Request:
    """A call. Header names are in lower case; the values of one that came several times are joined by commas."""

    method: str
    headers: Mapping[bytes, bytes]
    #: The names of headers that came several times.
    repeated: Collection[bytes]
    body: Body

    @property
    def has_body(self) -> bool:
        """Whether a body follows the headers."""
        return b"content-length" in self.headers or b"transfer-encoding" in self.headers


def request_of(scope: Mapping[str, Any], receive: Receive) -> Request:
    """A call as the server hands it over."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(pairs)
    if len(headers) == len(pairs):
        return Request(scope["method"], headers, (), Body(receive))
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    repeated = {name for name, several in values.items() if len(several) > 1}
    joined = {name: b", ".join(several) for name, several in values.items()}
    return Request(scope["method"], joined, repeated, Body(receive))


def check_media_type(request: Request, taken: Collection[str]) -> None:
    """Raises Problem if a body says that it is something else; one that says nothing is believed to be right."""
    said = request.headers.get(b"content-type")
    if said is not None and said.split(b";")[0].strip().lower().decode("latin-1") not in taken:
        raise Problem("media-type-unsupported", detail=f"Send {next(iter(taken))}.")


def unpacked(body: bytes, *, encoding: bytes, bytes_max: int) -> bytes:
    """A body without its Content-Encoding, of which no more than `bytes_max` is ever held. Raises Problem."""
    match encoding.strip().lower():
        case b"" | b"identity":
            return body
        case b"gzip" | b"x-gzip":
            return _gunzipped(body, bytes_max)
    raise Problem("media-type-unsupported", detail="Of encodings, only gzip is taken.")


def _gunzipped(body: bytes, bytes_max: int) -> bytes:
    try:
        with GzipFile(fileobj=BytesIO(body)) as file:
            plain = file.read(bytes_max + 1)
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise Problem("body-malformed", detail="It is not gzip, or was cut.") from error
    if len(plain) > bytes_max:
        raise Problem("body-too-large", detail=f"This call takes up to {bytes_max:,} bytes unpacked.")
    return plain


def lines(body: bytes) -> Iterator[str | None]:
    """The lines of a body that are not blank; None for one that is not UTF-8."""
    for line in _LINE.finditer(body.removeprefix(b"\xef\xbb\xbf")):
        try:
            text = line[0].decode()
        except UnicodeDecodeError:
            yield None
            continue
        if not text.isspace():
            yield text
