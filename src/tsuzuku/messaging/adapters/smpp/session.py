# SPDX-License-Identifier: Apache-2.0
"""A session with an SMS centre: opened when it is needed, kept, opened anew when it is lost; one in each process.

It lives on an event loop in a thread of its own, since receipts come whenever the centre sends them.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import smpp34

from tsuzuku.kernel.outcomes import OutcomeUnknown, Unavailable
from tsuzuku.messaging.adapters.smpp.config import SmppAccount

CONNECT_SECONDS = 4.0
ANSWER_SECONDS = 5.0
#: Longer than all that one call may wait for.
WHOLE_SECONDS = CONNECT_SECONDS + ANSWER_SECONDS + 3.0
#: How long a receipt is waited for when we look; the centre may have kept some for the next session.
LISTEN_SECONDS = 1.0

T = TypeVar("T")


class Session:
    """May be used by many threads; nothing is opened before the first call."""

    def __init__(self, account: SmppAccount) -> None:
        self._account = account
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opening = asyncio.Lock()
        self._client: smpp34.Client | None = None
        self._smsc: smpp34.Smsc | None = None
        self._listening: asyncio.Task[None] | None = None
        self._receipts: asyncio.Queue[smpp34.DeliverSmEvent] = asyncio.Queue()

    def submit(self, destination: str, octets: bytes, **fields: Any) -> smpp34.SubmitSmResp:  # noqa: ANN401  # of a PDU
        """Submits one part. Raises Unavailable (no session) or OutcomeUnknown (submitted, and no answer)."""
        return self._run(self._submit(destination, octets, fields))

    def collect(self) -> list[smpp34.DeliverSmEvent]:
        """The receipts that have come since this was last called. Raises Unavailable."""
        return self._run(self._collect())

    def close(self) -> None:
        """Ends the session and its thread, if there are any. Nothing may be called any more."""
        if self._loop is not None and self._thread is not None:
            self._run(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _submit(self, destination: str, octets: bytes, fields: dict[str, Any]) -> smpp34.SubmitSmResp:
        smsc = await self._open()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await smsc.submit_sm(destination, octets, **fields)
        except (smpp34.SmppError, TimeoutError) as problem:
            await self._close()
            raise OutcomeUnknown("unanswered", type(problem).__name__) from problem

    async def _collect(self) -> list[smpp34.DeliverSmEvent]:
        await self._open()
        found = []
        try:
            async with asyncio.timeout(LISTEN_SECONDS):
                found.append(await self._receipts.get())
        except TimeoutError:
            return []
        while not self._receipts.empty():
            found.append(self._receipts.get_nowait())
        return found

    async def _open(self) -> smpp34.Smsc:
        async with self._opening:
            if self._smsc is not None and self._client is not None and await self._client.is_alive():
                return self._smsc
            await self._close()
            known = self._account
            client = smpp34.Client(
                known.host,
                known.port,
                known.system_id,
                known.password,
                bind_type="TRX",
                system_type=known.system_type,
                tls=known.tls,
                connect_timeout_ms=int(CONNECT_SECONDS * 1000),
            )
            try:
                self._smsc = await client.connect()
            except smpp34.SmppError as problem:
                raise Unavailable("sms-centre-unreachable", str(problem)) from problem
            self._client = client
            self._listening = asyncio.create_task(self._listen(self._smsc))
            return self._smsc

    async def _listen(self, smsc: smpp34.Smsc) -> None:
        while isinstance(event := await smsc.next(), smpp34.DeliverSmEvent):
            self._receipts.put_nowait(event)

    async def _close(self) -> None:
        client, self._client, self._smsc = self._client, None, None
        if client is not None:
            await client.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Raises what the work raises, or OutcomeUnknown if it does not end."""
        running = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return running.result(WHOLE_SECONDS)
        except TimeoutError as problem:
            running.cancel()
            raise OutcomeUnknown("unanswered", "session-stuck") from problem

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="smpp", daemon=True)
                self._thread.start()
            return self._loop
