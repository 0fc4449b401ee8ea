# SPDX-License-Identifier: Apache-2.0
"""The SMS centre, on an event loop in a thread of its own."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import smpp34

from tsuzuku.kernel.sms_parts import SmsAlphabet, sms_parts
from tsuzuku.testing.simulators.faults import FaultKind

#: A number that is nobody's.
DEAD_NUMBER = "819000000000"
#: SMPP 3.4, 5.1.3.
_WRONG_LENGTH, _WRONG_DESTINATION, _TOO_MANY = 0x01, 0x0B, 0x58
_UCS2, _HAS_HEADER, _IS_RECEIPT, _HEADER_BYTES = 8, 0x40, 0x04, 6
_GSM = {
    part.octets: character
    for character in map(chr, range(0x2500))
    for part in sms_parts(character)
    if part.alphabet is SmsAlphabet.GSM
}


@dataclass(frozen=True, slots=True)
class Submitted:
    """One part, as it came."""

    event: smpp34.SubmitSmEvent
    message_id: str


class SmsCentre:
    """Listens at `port`."""

    def __init__(self) -> None:
        self.port = 0
        #: The faults of the next messages, in order.
        self.faults: deque[FaultKind] = deque()
        self.submitted: list[Submitted] = []
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._bound: dict[str, smpp34.Esme] = {}
        self._server: smpp34.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        #: What was left unanswered: an event that is dropped would be refused by the library.
        self._unanswered: list[smpp34.SubmitSmEvent] = []

    def texts(self) -> list[str]:
        """The messages as a phone shows them, with their parts joined, oldest first."""
        joined: dict[object, str] = {}
        for number, each in enumerate(self.submitted):
            event, octets = each.event, each.event.short_message
            key: object = number
            if event.esm_class & _HAS_HEADER:
                key, octets = (event.destination_addr, octets[3], octets[4]), octets[_HEADER_BYTES:]
            text = octets.decode("utf-16-be") if event.data_coding == _UCS2 else _gsm_text(octets)
            joined[key] = joined.get(key, "") + text
        return list(joined.values())

    def tell(self, message_id: str, stat: str, *, err: str = "000", with_parameters: bool = False) -> None:
        """Sends a receipt to whoever is bound, and waits until it is taken."""
        asyncio.run_coroutine_threadsafe(self._tell(message_id, stat, err, with_parameters), self._loop).result(10)

    async def _tell(self, message_id: str, stat: str, err: str, with_parameters: bool) -> None:
        part = next(each for each in self.submitted if each.message_id == message_id)
        text = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 "
            f"stat:{stat} err:{err} text:ignored"
        )
        state = {"DELIVRD": 2, "UNDELIV": 5, "ENROUTE": 1}[stat]
        tlvs = [
            smpp34.Tlv(0x001E, message_id.encode() + b"\0"),
            smpp34.Tlv(0x0427, bytes([state])),
        ]
        *_, esme = self._bound.values()
        taken = await esme.deliver_sm(
            part.event.source_addr,
            text.encode(),
            source_addr=part.event.destination_addr,
            esm_class=_IS_RECEIPT,
            tlvs=tlvs if with_parameters else [],
        )
        assert taken.is_success, taken.command_status

    async def _serve(self, listening: threading.Event) -> None:
        self._serving = asyncio.current_task()
        self._server = smpp34.Server("127.0.0.1", self.port, system_id="Tsuzuku SMSC")
        await self._server.start()
        listening.set()
        while True:
            match await self._server.next():
                case smpp34.Esme() as esme:
                    self._bound[esme.session_id] = esme
                case smpp34.SubmitSmEvent() as event:
                    await self._take(event)
                case smpp34.Unbound() as gone:
                    self._bound.pop(gone.session_id, None)

    async def _take(self, event: smpp34.SubmitSmEvent) -> None:
        fault = self.faults.popleft() if self.faults else None
        match fault:
            case FaultKind.REFUSE:
                event.reject(_WRONG_LENGTH)
                return
            case FaultKind.FAIL:
                event.reject(_TOO_MANY)
                return
            case FaultKind.LOSE:
                await self._hang_up(event)
                return
        if event.destination_addr == DEAD_NUMBER:
            event.reject(_WRONG_DESTINATION)
            return
        self._count += 1
        self.submitted.append(Submitted(event, f"{self._count:010d}"))
        if fault is FaultKind.NO_ANSWER:
            await self._hang_up(event)
        else:
            event.accept(self.submitted[-1].message_id)

    async def _hang_up(self, event: smpp34.SubmitSmEvent) -> None:
        self._unanswered.append(event)
        await self._bound[event.session_id].unbind()

    async def _stop(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._server is not None:
            await self._server.stop()


@contextmanager
def centre() -> Iterator[SmsCentre]:
    """An SMS centre that listens while the block runs."""
    smsc, listening = SmsCentre(), threading.Event()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        smsc.port = probe.getsockname()[1]
    loop = smsc._loop  # noqa: SLF001  # this module's own
    thread = threading.Thread(target=loop.run_forever, name="smsc", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(smsc._serve(listening), loop)  # noqa: SLF001  # this module's own
    assert listening.wait(10), "the SMS centre did not start"
    try:
        yield smsc
    finally:
        asyncio.run_coroutine_threadsafe(smsc._stop(), loop).result(10)  # noqa: SLF001  # this module's own
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _gsm_text(octets: bytes) -> str:
    text, place = "", 0
    while place < len(octets):
        width = 2 if octets[place] == 0x1B else 1
        text += _GSM[octets[place : place + width]]
        place += width
    return text
