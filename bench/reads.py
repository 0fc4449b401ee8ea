# SPDX-License-Identifier: Apache-2.0
"""How many cards can be read a second, beside a view of the same framework on the same server that does nothing."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench import wrk
from bench.effort import effort
from bench.ground import Ground
from bench.line import Line, say
from tests.faults.installation import HOST, Failed, free_ports
from tsuzuku.project.programs import WEB_PROCESSES, local_url

UNIT = "requests/s"
#: Of these, the faster counts: one thread suits a view that never waits, many are what pages are served with.
BLOCKING_THREADS = (1, 32)
_START_SECONDS = 30


def balance_read(ground: Ground, numbers: range, *, seconds: float) -> Line:
    """What a card has, of cards at random with three lots each."""
    calls = wrk.Calls("card", [200], ground.token, ground.iccids_file("reads", numbers))
    rates: list[float] = []
    parts: list[wrk.Answered] = []
    for threads in BLOCKING_THREADS:
        with _empty_view(threads) as url:
            rates.append(wrk.call(url, wrk.Calls("empty", [200]), seconds=seconds).per_second)
        say(f"yardstick: {rates[-1]:,.0f} {UNIT} with {threads} blocking threads")
        ground.analyze()
        with effort(ground) as used:
            parts.append(wrk.call(ground.url, calls, seconds=seconds))
        used.tell("balance_read", times=parts[-1].answers)
        say(f"balance_read: {parts[-1].per_second:,.0f} {UNIT}")
    ours = wrk.Answered.together(parts)
    return Line(
        bench="balance_read",
        ours=ours.per_second,
        yardstick=max(rates),
        unit=UNIT,
        p50_ms=ours.milliseconds(50),
        p99_ms=ours.milliseconds(99),
    )


@contextmanager
def _empty_view(threads: int) -> Iterator[str]:
    """The empty view on Granian, with as many processes as ours."""
    port, _ = free_ports()
    options = ["--interface=wsgi", "--http=1", f"--host={HOST}", f"--port={port}", "--no-ws", "--log-level=error"]
    sizes = [f"--workers={WEB_PROCESSES}", f"--blocking-threads={threads}"]
    words = [sys.executable, "-m", "granian", *options, *sizes, "bench.empty_view:application"]
    environment = {name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    process = subprocess.Popen(words, env=environment)
    try:
        url = local_url(HOST, port)
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Failed("the empty view does not answer")
