# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on a connection of one's own: a thousand clients must cost less than what they are to load."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass


class Cut(Exception):
    """The connection ended before the answer did; `body` is what had come of it."""

    def __init__(self, body: bytes = b"") -> None:
        super().__init__()
        self.body = body


@dataclass(frozen=True)
class Reply:
    """An answer that came whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """One connection at a time to one server; opened when needed."""

    def __init__(self, host: str, port: int, *, token: str) -> None:
        self._host, self._port = host, port
        self._head = f"Host: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, *, fields: Mapping[str, str], body: bytes) -> Reply:
        """One call. Raises OSError or Cut; the connection is closed then."""
        try:
            return await _reply(await self._send(method, path, fields, body))
        except BaseException:
            self.hang_up()
            raise

    async def send_only(self, method: str, path: str, *, fields: Mapping[str, str], body: bytes) -> None:
        """Sends a call and hangs up before anything comes back. Raises OSError."""
        try:
            await self._send(method, path, fields, body)
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Closes the connection, whatever is under way on it."""
        if self._streams is not None:
            with suppress(OSError):
                self._streams[1].close()
            self._streams = None

    async def _send(self, method: str, path: str, fields: Mapping[str, str], body: bytes) -> asyncio.StreamReader:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        lines = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
        writer.write(
            f"{method} {path} HTTP/1.1\r\n{self._head}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        await writer.drain()
        return reader


async def _reply(reader: asyncio.StreamReader) -> Reply:
    try:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    except asyncio.IncompleteReadError as problem:
        raise Cut from problem
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    try:
        # Answers of the partner API say how long they are.
        body = await reader.readexactly(int(headers["content-length"]))
    except asyncio.IncompleteReadError as problem:
        raise Cut(problem.partial) from problem
    return Reply(int(first.split(" ")[1]), headers, body)
