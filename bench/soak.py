# SPDX-License-Identifier: Apache-2.0
"""Whether memory stays: `python -m bench.soak --minutes 10`, or `make soak MINUTES=10`.

For so long, 64 connections renew and read cards in turn, while every few seconds a batch of renewals and a body of
usage come in and pages are looked at. Resident memory of each web process and of the worker at the end may be at most
1.2 times what it was after a fifth of the time: after two minutes of ten. Both are the median of ten seconds.
"""

import json
import random
import secrets
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

import click
import psutil

from bench import wrk
from bench.command import LOTS, audited
from bench.ground import PLANS, Ground, ground
from bench.line import say
from tests.faults.installation import Failed, card_and_pin

CARDS = 50_000
GROWTH_MAX = 1.2
#: Which part of the time passes before the first figure.
_FIRST = 0.2
_WINDOW_SECONDS = 10
_STRETCH_SECONDS = 20
_BODY_LINES, _BODIES_EVERY_SECONDS = 5000, 5.0
_PAGES = ("/", "/open")


@dataclass
class Memory:
    """A process and what it held, in bytes, by the second."""

    name: str
    process: psutil.Process
    samples: list[tuple[float, int]] = field(default_factory=list)

    def at(self, seconds: float) -> float:
        """The median of what it held in the window that ends then."""
        return median(held for at, held in self.samples if seconds - _WINDOW_SECONDS < at <= seconds)


class Company:
    """What else comes in while wrk calls: batches, usage, and people who look at pages."""

    def __init__(self, base: Ground) -> None:
        self._base = base
        self._stopping = threading.Event()
        self._number = 0
        #: Why it stopped before it was told to, if it did.
        self.problem: Exception | None = None
        self.bodies = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more. Raises Failed if it had stopped by itself."""
        self._stopping.set()
        self._thread.join()
        if self.problem is not None:
            raise Failed(f"a body or a page failed: {self.problem!r}")

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_BODIES_EVERY_SECONDS):
                self._send("/api/v1/renewals/batch", [self._renewal() for _ in range(_BODY_LINES)])
                self._send("/api/v1/usage", [self._reading() for _ in range(_BODY_LINES)])
                for page in _PAGES:
                    with urllib.request.urlopen(f"{self._base.url}{page}", timeout=60) as answer:
                        answer.read()
        except Exception as problem:  # noqa: BLE001  # of a thread: raised again by whoever waits for it
            self.problem = problem

    def _send(self, path: str, lines: Sequence[object]) -> None:
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        self._base.post(path, body, media_type="application/x-ndjson")
        self.bodies += 1

    def _renewal(self) -> object:
        return {"key": secrets.token_hex(8), "iccid": _any_card(), "plan": random.choice(PLANS)}

    def _reading(self) -> object:
        self._number += 1
        return {
            "record_id": f"soak-{self._number}",
            "iccid": _any_card(),
            "bytes": random.randrange(10_000_000),
            "ended_at": datetime.now(tz=UTC).isoformat(),
        }


@click.command()
@click.option("--minutes", type=click.FloatRange(1), default=10, show_default=True, help="How long.")
def main(minutes: float) -> None:
    """Loads an installation and prints what its processes held; exit code 1 if one grew too much."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        wrk.ensure_wrk()
        with ground(cards=CARDS) as base:
            base.give_lots(range(CARDS), lots=LOTS)
            base.analyze()
            stays = _loaded(base, minutes * 60)
            is_clean = audited(base)
    except Failed as problem:
        say(f"failed: {problem}")
        sys.exit(1)
    sys.exit(0 if stays and is_clean else 1)


def _loaded(base: Ground, seconds: float) -> bool:
    """Whether all processes held their measure."""
    memories = _processes(base)
    calls = wrk.Calls("mixed", [200, 201], base.token, base.iccids_file("soak", range(CARDS)), PLANS)
    began = time.monotonic()
    stopping = threading.Event()
    sampler = threading.Thread(target=_sample, args=(memories, began, stopping), daemon=True)
    company = Company(base)
    sampler.start()
    parts: list[wrk.Answered] = []
    while (left := seconds - (time.monotonic() - began)) > 1:
        parts.append(wrk.call(base.url, calls, seconds=min(left, _STRETCH_SECONDS)))
        say(f"{time.monotonic() - began:,.0f} s: {parts[-1].per_second:,.0f} calls/s, {_held(memories)}")
    ended = time.monotonic() - began
    stopping.set()
    company.stop()
    sampler.join()
    whole = wrk.Answered.together(parts)
    say(f"{whole.answers:,} calls, {company.bodies} bodies of {_BODY_LINES:,} lines, in {ended:,.0f} s")
    stays = [_judged(memory, first=_FIRST * seconds, last=ended) for memory in memories]
    return all(stays)


def _processes(base: Ground) -> list[Memory]:
    """The processes of web and worker."""
    running = base.installation.processes()
    web = psutil.Process(running["web"])
    children = sorted(web.children(), key=lambda child: child.pid)
    return [
        Memory("web", web),
        *(Memory(f"web process {number}", child) for number, child in enumerate(children, start=1)),
        Memory("worker", psutil.Process(running["worker"])),
    ]


def _sample(memories: Sequence[Memory], began: float, stopping: threading.Event) -> None:
    """Looks once a second. A process that has died is found out at the end, by its missing samples."""
    while not stopping.wait(1):
        for memory in memories:
            try:
                memory.samples.append((time.monotonic() - began, memory.process.memory_info().rss))
            except psutil.NoSuchProcess:
                return


def _held(memories: Sequence[Memory]) -> str:
    return ", ".join(f"{memory.name} {memory.samples[-1][1] / 1e6:.0f} MB" for memory in memories if memory.samples)


def _judged(memory: Memory, *, first: float, last: float) -> bool:
    """Prints both figures; whether the second is small enough. Raises Failed if the process ended."""
    if not memory.process.is_running() or not memory.samples or memory.samples[-1][0] < last - _WINDOW_SECONDS:
        raise Failed(f"{memory.name} ended")
    before, after = memory.at(first), memory.at(last)
    line = {
        "process": memory.name,
        "first_seconds": round(first),
        "first_mb": round(before / 1e6, 1),
        "last_seconds": round(last),
        "last_mb": round(after / 1e6, 1),
        "ratio": round(after / before, 3),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    return after <= GROWTH_MAX * before


def _any_card() -> str:
    return card_and_pin(random.randrange(CARDS))[0]


if __name__ == "__main__":
    main()
