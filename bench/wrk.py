# SPDX-License-Identifier: Apache-2.0
"""Requests from many connections by wrk, which costs little beside what it measures."""

import json
import os
import secrets
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.installation import Failed

SCRIPT = Path(__file__).with_name("calls.lua")
CONNECTIONS = 64


@dataclass(frozen=True)
class Calls:
    """What is asked for: `kind`, `iccids` and `plans` are explained in calls.lua."""

    kind: str
    statuses: Sequence[int]
    token: str = "-"
    iccids: Path = Path(os.devnull)
    plans: Sequence[str] = ()


@dataclass
class Answered:
    """What came back: how many answers in how many seconds, and how many took how many microseconds."""

    answers: int = 0
    seconds: float = 0.0
    latencies: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def milliseconds(self, percent: float) -> float:
        """The time within which so many of a hundred were answered."""
        rank = percent / 100 * self.latencies.total()
        for microseconds, count in sorted(self.latencies.items()):
            rank -= count
            if rank <= 0:
                return microseconds / 1000
        raise Failed("nothing was answered")

    @classmethod
    def together(cls, parts: Iterable[Self]) -> Self:
        """Several stretches as one."""
        whole = cls()
        for part in parts:
            whole.answers += part.answers
            whole.seconds += part.seconds
            whole.latencies += part.latencies
        return whole


def ensure_wrk() -> None:
    """Sees to wrk: as root on Debian it is installed. Raises Failed if it cannot be had."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update"], check=False, capture_output=True)
        words = ["apt-get", "install", "--yes", "--no-install-recommends", "wrk"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(words, check=False, env=environment, capture_output=True)
    if not shutil.which("wrk"):
        raise Failed("the benchmarks need wrk, and it could not be had; as root: apt-get install wrk")


def call(url: str, calls: Calls, *, seconds: float, connections: int = CONNECTIONS) -> Answered:
    """Calls for so long. Raises Failed if there is any answer of another status, or a call without one."""
    words = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={round(seconds)}s", "--timeout=20s"]
    told = [
        calls.kind,
        ",".join(map(str, calls.statuses)),
        calls.token,
        str(calls.iccids),
        ",".join(calls.plans),
        secrets.token_hex(6),
    ]
    ran = subprocess.run([*words, f"--script={SCRIPT}", url, "--", *told], capture_output=True, text=True, check=False)
    figures = next((line for line in ran.stdout.splitlines() if line.startswith("figures ")), None)
    if figures is None:
        raise Failed(f"wrk did not finish: {ran.stdout.strip()} {ran.stderr.strip()}")
    found = json.loads(figures.removeprefix("figures "))
    if found["wrong"] or found["lost"]:
        raise Failed(
            f"{calls.kind}: {found['wrong']} of {found['right'] + found['wrong']} calls were answered otherwise "
            f"(such as {found['wrong_status']}), {found['lost']} not at all"
        )
    return Answered(found["right"], found["microseconds"] / 1e6, Counter(dict(found["latencies"])))
