# SPDX-License-Identifier: Apache-2.0
"""Where the time goes: how much processor each part of an installation used while something was measured.

Unlike a rate this hardly changes with what else the machine does.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from bench.ground import Ground
from bench.line import say

_CLIENTS = "clients"


@dataclass
class Effort:
    """Seconds of processor by part; `clients` is wrk."""

    seconds: dict[str, float] = field(default_factory=dict)

    def ours_us(self, times: int) -> float:
        """Microseconds for each of so many, without the clients' part."""
        return sum(seconds for part, seconds in self.seconds.items() if part != _CLIENTS) / times * 1e6

    def tell(self, what: str, *, times: int) -> None:
        """Says what each of so many took."""
        parts = ", ".join(f"{part} {seconds / times * 1e6:,.0f}" for part, seconds in self.seconds.items())
        say(f"{what}: microseconds of processor each: {parts}")


@contextmanager
def effort(ground: Ground) -> Iterator[Effort]:
    """What is used while the block runs; there once it has ended."""
    found = Effort()
    before = _used(ground)
    yield found
    found.seconds |= {part: max(0.0, used - before[part]) for part, used in _used(ground).items()}


def _used(ground: Ground) -> dict[str, float]:
    clients = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        **{part: _with_children(pid) for part, pid in ground.installation.processes().items()},
        _CLIENTS: clients.ru_utime + clients.ru_stime,
    }


def _with_children(pid: int) -> float:
    """Of a process, and of its children that live or have been waited for."""
    used = 0.0
    with suppress(psutil.NoSuchProcess):
        times = psutil.Process(pid).cpu_times()
        used = times.user + times.system + times.children_user + times.children_system
        for child in psutil.Process(pid).children():
            with suppress(psutil.NoSuchProcess):
                spent = child.cpu_times()
                used += spent.user + spent.system
    return used
