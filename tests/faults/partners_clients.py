# SPDX-License-Identifier: Apache-2.0
"""Partner systems: they renew, hang up, lose patience, send twice, and send again until they are answered."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from tests.faults.installation import Failed, card_and_pin
from tests.faults.partners_judge import Told
from tests.faults.partners_wire import Cut, Reply, Wire

#: Plans of every way of stacking but joining: whether there is something to join may change from one call to the next.
PLANS: Final = (
    "DAY-3",
    "GB-1-3D",
    "GB-3-30D",
    "GB-1-7D-X",
    "VISITOR-1",
    "UNL-24H",
    "UNL-30D",
    "ROLL-5-30D",
    "ASIA-5-15D",
    "VOICE-3-30D",
)
#: What a renewal may be refused for in a run in which every key, card and plan is right. Both last: cards only get
#: fuller, and the account that runs out is not topped up. So a key is either renewed or refused, whoever asks when.
REFUSALS: Final = frozenset({"funds-insufficient", "stack-full"})
#: Longer than anything that answers at all takes, and what somebody in a hurry allows, in seconds.
_PATIENT: Final = 20.0
_HURRIED: Final = (0.02, 0.6)
_PAUSE_SECONDS: Final = (0.05, 0.6)
_BATCH_LINES_MAX: Final = 40
_RENEWALS: Final = "/api/v1/renewals"


class NeverAnswered(Exception):
    """Nobody answered for as long as anybody would go on trying."""


@dataclass(frozen=True)
class Asked:
    """One renewal that somebody wants."""

    key: str
    iccid: str
    plan: str

    def body(self) -> bytes:
        """As a call of its own."""
        return json.dumps({"iccid": self.iccid, "plan": self.plan}).encode()

    def line(self) -> bytes:
        """As a line of a batch."""
        return json.dumps({"key": self.key, "iccid": self.iccid, "plan": self.plan}).encode() + b"\n"


@dataclass(frozen=True)
class Account:
    """In whose name a client calls: what its renewals are found under, and its key."""

    actor: str
    token: str


@dataclass
class World:
    """What all clients share."""

    host: str
    port: int
    cards: int
    log: "Log"
    closing: threading.Event = field(default_factory=threading.Event)
    #: Until when anybody goes on trying, of `time.monotonic`; None is for ever.
    patience_ends_at: float | None = None
    #: Calls without an answer yet, and how often what happened.
    in_flight: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class Log:
    """Where clients write down every answer when they get it, a JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def write(self, account: Account, asked: Asked, told: Told, **fields: object) -> None:
        """Adds a line."""
        line = {"actor": account.actor, "key": asked.key, "told": told, **fields}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


class Client:
    """One partner system, with a connection of its own that it uses for one call after the other."""

    def __init__(self, index: int, *, account: Account, world: World, rng: random.Random) -> None:
        self._index = index
        self._account = account
        self._world = world
        self._rng = rng
        self._wire = Wire(world.host, world.port, token=account.token)
        self._twin = Wire(world.host, world.port, token=account.token)
        self._asked = 0
        #: The last renewal that it was given.
        self._given: Asked | None = None

    async def run(self) -> None:
        """Calls until the world closes; ends with what it has begun, or raises NeverAnswered or Failed."""
        ways = {self._one: 60, self._two_at_once: 12, self._batch: 6, self._again: 8, self._other_plan: 4}
        try:
            while not self._world.closing.is_set():
                (way,) = self._rng.choices(list(ways), weights=list(ways.values()))
                await way()
        finally:
            self._wire.hang_up()
            self._twin.hang_up()

    # What a client does

    async def _one(self) -> None:
        asked = self._want()
        if self._rng.randrange(100) < 5:
            self._world.seen["hung up"] += 1
            with suppress(OSError):
                await self._wire.send_only("POST", _RENEWALS, fields=_headers(asked), body=asked.body())
        await self._renew(self._wire, asked)

    async def _two_at_once(self) -> None:
        """On two connections, which mostly lead to two processes."""
        asked = self._want()
        self._world.seen["sent twice at once"] += 1
        await asyncio.gather(self._renew(self._wire, asked), self._renew(self._twin, asked))

    async def _again(self) -> None:
        if self._given is not None:
            self._world.seen["asked again later"] += 1
            await self._renew(self._wire, self._given)

    async def _other_plan(self) -> None:
        if self._given is None:
            return
        asked = self._given
        other = replace(asked, plan=self._rng.choice([plan for plan in PLANS if plan != asked.plan]))
        reply = await self._answered(self._wire, _RENEWALS, fields=_headers(other), body=other.body())
        if reply.status != HTTPStatus.CONFLICT or json.loads(reply.body)["code"] != "idempotency-key-reused":
            raise Failed(f"{asked.key} with another plan was answered {reply.status} {reply.body!r}")
        self._world.log.write(self._account, asked, Told.OTHER_PLAN)

    async def _batch(self) -> None:
        """Many lines, some twice, some unreadable; sent again until each has its answer."""
        wanted = [self._want() for _ in range(self._rng.randint(2, _BATCH_LINES_MAX))]
        left = {asked.key: asked for asked in wanted}
        self._world.seen["batches"] += 1
        while left:
            lines = [asked.line() for asked in left.values()]
            if self._rng.randrange(4) == 0:
                lines.insert(self._rng.randrange(len(lines) + 1), self._rng.choice(lines))
            if self._rng.randrange(6) == 0:
                lines.insert(self._rng.randrange(len(lines) + 1), b"{not json\n")
            await self._send_batch(b"".join(lines), wanted={asked.key: asked for asked in wanted}, left=left)

    # How it is done

    def _want(self) -> Asked:
        """A new wish, written down before anybody hears of it."""
        self._asked += 1
        iccid, _ = card_and_pin(self._rng.randrange(self._world.cards))
        asked = Asked(f"client-{self._index:04d}-{self._asked:06d}", iccid, self._rng.choice(PLANS))
        self._world.log.write(self._account, asked, Told.BEGUN, iccid=asked.iccid, plan=asked.plan)
        return asked

    async def _renew(self, wire: Wire, asked: Asked) -> None:
        reply = await self._answered(wire, _RENEWALS, fields=_headers(asked), body=asked.body())
        body = json.loads(reply.body)
        if reply.status == HTTPStatus.CREATED:
            self._world.seen["replays"] += reply.headers.get("idempotent-replayed") == "true"
            self._was_renewed(asked, body)
        else:
            self._was_refused(asked, body)

    async def _send_batch(self, body: bytes, *, wanted: Mapping[str, Asked], left: dict[str, Asked]) -> None:
        """Sends lines and takes those off `left` that were answered, though the answer may have been cut."""
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            reply = await self._answered(self._wire, f"{_RENEWALS}/batch", fields=headers, body=body)
        except Cut as cut:
            answered: Sequence[bytes] = cut.body.split(b"\n")[:-1]
        else:
            if reply.status != HTTPStatus.OK:
                raise Failed(f"a batch was answered {reply.status} {reply.body!r}")
            answered = reply.body.splitlines()
        before = len(left)
        for line in answered:
            fields: dict[str, Any] = json.loads(line)
            key, is_replay = fields.pop("key"), fields.pop("replayed")
            if fields.get("code") in {"try-again", "internal"}:
                self._world.seen["lines to be tried again"] += 1
            elif key is None:
                if fields["code"] != "line-malformed":
                    raise Failed(f"a line without a key was answered {fields}")
            elif "number" in fields:
                self._world.seen["replays"] += is_replay
                self._was_renewed(wanted[key], fields)
                left.pop(key, None)
            else:
                self._was_refused(wanted[key], fields)
                left.pop(key, None)
        if len(left) == before:
            await self._pause()

    def _was_renewed(self, asked: Asked, body: Mapping[str, Any]) -> None:
        self._world.seen["renewals answered"] += 1
        self._world.log.write(self._account, asked, Told.RENEWED, body=body)
        self._given = asked

    def _was_refused(self, asked: Asked, body: Mapping[str, Any]) -> None:
        if body["code"] not in REFUSALS:
            raise Failed(f"{asked} was refused: {body}")
        self._world.seen[f"refused: {body['code']}"] += 1
        self._world.log.write(self._account, asked, Told.REFUSED, code=body["code"])

    async def _answered(self, wire: Wire, path: str, *, fields: Mapping[str, str], body: bytes) -> Reply:
        """Sends a call again and again until it is answered. Raises NeverAnswered, or Cut with a part of the answer."""
        world = self._world
        while True:
            seconds = self._rng.uniform(*_HURRIED) if self._rng.randrange(100) < 8 else _PATIENT
            world.in_flight += 1
            try:
                async with asyncio.timeout(seconds):
                    reply = await wire.ask("POST", path, fields=fields, body=body)
            except TimeoutError:
                world.seen["lost patience"] += 1
            except Cut as cut:
                world.seen["connection lost"] += 1
                if cut.body:
                    raise
            except OSError:
                world.seen["connection lost"] += 1
            else:
                if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR and reply.status != HTTPStatus.TOO_MANY_REQUESTS:
                    return reply
                world.seen[f"answered {reply.status}"] += 1
            finally:
                world.in_flight -= 1
            await self._pause()

    async def _pause(self) -> None:
        """Passes some time. Raises NeverAnswered when there is none left."""
        pause, ends_at = self._rng.uniform(*_PAUSE_SECONDS), self._world.patience_ends_at
        if ends_at is not None and time.monotonic() + pause > ends_at:
            raise NeverAnswered
        await asyncio.sleep(pause)


def _headers(asked: Asked) -> dict[str, str]:
    return {"Content-Type": "application/json", "Idempotency-Key": asked.key}


class Crowd:
    """All clients, on an event loop and a thread of their own."""

    def __init__(self, world: World, clients: Sequence[Client]) -> None:
        self._world = world
        self._clients = clients
        #: Why a client stopped that had not been told to, if one did.
        self.problem: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="partners", daemon=True)

    def check(self) -> None:
        """Raises Failed if a client could not make sense of what it saw."""
        if self.problem is not None:
            raise Failed(f"a client stopped: {self.problem!r}") from self.problem

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as problem:  # noqa: BLE001  # of a thread: raised again by whoever waits for it
            self.problem = problem

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for client in self._clients:
                group.create_task(self._one(client))

    async def _one(self, client: Client) -> None:
        try:
            await client.run()
        except NeverAnswered:
            self._world.seen["never answered"] += 1  # The log shows what.
