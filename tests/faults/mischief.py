# SPDX-License-Identifier: Apache-2.0
"""What goes wrong: processes are killed, and the sandboxes answer slowly, wrongly or not at all."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum

import httpx
import psutil

from tests.faults.errand import Flying, Moment
from tests.faults.installation import Failed, Installation

#: The slow things of the provider, in seconds: slow enough to overlap with kills, quick enough for a test.
_PACE = {"slow_seconds": 5, "late_seconds": 8, "refund_seconds": 1}
#: Between two pranks.
_PRANK_SECONDS = (1.0, 4.0)
_APPEARS_SECONDS = 120


class Victim(StrEnum):
    """What is killed."""

    WEB = "web"
    WEB_PROCESS = "web process"
    WORKER = "worker"
    CARRIER = "carrier"
    PROVIDER = "provider"
    POSTGRES = "postgres"
    #: One connection's process; PostgreSQL then ends all others too and recovers.
    POSTGRES_BACKEND = "postgres backend"


#: Ten kills; each round is shuffled anew, so that a short test has everybody's turn as well.
_ROUND = (
    Victim.WEB,
    Victim.WEB_PROCESS,
    Victim.WORKER,
    Victim.WORKER,
    Victim.CARRIER,
    Victim.CARRIER,
    Victim.PROVIDER,
    Victim.POSTGRES,
    Victim.POSTGRES,
    Victim.POSTGRES_BACKEND,
)
_PROGRAMS = {
    Victim.WEB: "web",
    Victim.WEB_PROCESS: "web",
    Victim.WORKER: "worker",
    Victim.CARRIER: "carrier",
    Victim.PROVIDER: "pay",
    Victim.POSTGRES: "postgres",
    Victim.POSTGRES_BACKEND: "postgres",
}


def victims(rng: random.Random) -> Iterator[Victim]:
    """Whom to kill, for ever."""
    while True:
        yield from rng.sample(_ROUND, len(_ROUND))


def kill(victim: Victim, *, installation: Installation, flying: Flying, in_flight_min: int, seed: str) -> Moment:
    """Kills one process with SIGKILL while enough is in flight; returns what was when it was killed.

    One that is just being started is waited for. Raises Failed if it does not appear.
    """
    rng = random.Random(seed)
    until = time.monotonic() + _APPEARS_SECONDS
    while time.monotonic() < until:
        with suppress(psutil.NoSuchProcess):
            process = find(victim, installation, rng)
            moment = flying.now()
            if process is not None and moment.in_flight >= in_flight_min:
                process.kill()
                return moment
        time.sleep(0.05)
    raise Failed(f"{victim} was not there to be killed for {_APPEARS_SECONDS} seconds; see {installation.log}")


def find(victim: Victim, installation: Installation, rng: random.Random) -> psutil.Process | None:
    """A process to kill, or None while there is none. Raises psutil.NoSuchProcess if it ends meanwhile."""
    pid = installation.processes().get(_PROGRAMS[victim])
    if pid is None:
        return None
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        return None
    match victim:
        case Victim.WEB_PROCESS:
            children = [child for child in process.children() if child.status() != psutil.STATUS_ZOMBIE]
        case Victim.POSTGRES_BACKEND:
            children = [child for child in process.children() if "tsuzuku tsuzuku" in " ".join(child.cmdline())]
        case _:
            return process
    return rng.choice(children) if children else None


class Pranks:
    """Asks the sandboxes to misbehave every now and then, until told to stop."""

    _CARRIER = ("slow-answer", "slow-apply", "fail", "refuse", "no-answer", "no-answer", "lose", "die")
    _HISTORY = ("fail", "lose", "slow-answer")
    _PROVIDER = ("fail", "no-answer", "lose", "slow-answer")

    def __init__(self, installation: Installation, *, rng: random.Random) -> None:
        self._installation = installation
        self._rng = rng
        self._stopping = threading.Event()
        #: How many of each were asked for and promised; what a killed sandbox forgot is counted too.
        self.played: dict[str, int] = {}
        self.thread = threading.Thread(target=self._run, name="pranks", daemon=True)

    def stop(self) -> None:
        """No more."""
        self._stopping.set()
        self.thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            match self._rng.choices(("carrier", "history", "provider", "lookups"), weights=(6, 2, 2, 1))[0]:
                case "carrier":
                    self._play("carrier-sandbox", "next", self._rng.choice(self._CARRIER))
                case "history":
                    self._play("carrier-sandbox", "next_history", self._rng.choice(self._HISTORY))
                case "provider":
                    self._play("payment-sandbox", "next_calls", self._rng.choice(self._PROVIDER))
                case _:
                    self._play("payment-sandbox", "next_lookups", self._rng.choice(self._HISTORY))
            self._stopping.wait(self._rng.uniform(*_PRANK_SECONDS))

    def _play(self, sandbox: str, where: str, fault: str) -> None:
        fields: dict[str, object] = {where: [fault]}
        headers: dict[str, str] = {}
        if sandbox == "payment-sandbox":
            # Said every time, since a killed provider forgets it.
            fields |= _PACE
            headers = self._installation.provider_headers()
        url = f"{self._installation.sandbox(sandbox)['url']}/control"
        try:
            httpx.post(url, json=fields, headers=headers, timeout=5, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            return  # It has just been killed.
        self.played[fault] = self.played.get(fault, 0) + 1
