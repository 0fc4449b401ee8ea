# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tsuzuku.project.supervisor import AlreadyRunning, processes_file, supervise

SUPERVISE = """
import sys
from pathlib import Path
from tsuzuku.project import supervisor
from tsuzuku.project.programs import Program
supervisor.STOP_SECONDS = 1.0
programs = [Program(f"child{i}", [sys.executable, "-c", code]) for i, code in enumerate(sys.argv[2:])]
supervisor.supervise(programs, home=Path(sys.argv[1]), on_ready=lambda: print("ready", flush=True))
"""
SLEEP = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@contextmanager
def supervised(home: Path, *codes: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(home), *codes], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for(lambda: len(running(home)) == len(codes))
            yield process
        finally:
            process.kill()


def running(home: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads(processes_file(home).read_text())
    except FileNotFoundError:
        return {}
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_starts_a_killed_child_again(tmp_path: Path) -> None:
    with supervised(tmp_path, SLEEP, SLEEP):
        before = running(tmp_path)
        os.kill(before["child0"], signal.SIGKILL)
        wait_for(lambda: running(tmp_path).get("child0", before["child0"]) != before["child0"])
        assert running(tmp_path)["child1"] == before["child1"]
        assert is_alive(running(tmp_path)["child0"])


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    with supervised(tmp_path, SLEEP, STUBBORN) as supervisor:
        children = running(tmp_path)
        supervisor.kill()
        wait_for(lambda: not any(is_alive(pid) for pid in children.values()))


def test_stops_children_and_kills_the_stubborn(tmp_path: Path) -> None:
    talk = f"print('hello'); print('world'); {SLEEP}"
    with supervised(tmp_path, talk, STUBBORN) as supervisor:
        children = running(tmp_path)
        time.sleep(0.5)
        supervisor.terminate()
        out, _ = supervisor.communicate(timeout=20)
        assert supervisor.returncode == 0
        assert not any(is_alive(pid) for pid in children.values())
        assert running(tmp_path) == {}
        assert out.splitlines() == [
            "ready",
            "child0   | hello",
            "child0   | world",
            "tsuzuku  | killing what did not stop: child1",
        ]


def test_says_how_a_child_ended_and_waits_longer_each_time(tmp_path: Path) -> None:
    with supervised(tmp_path, "import sys, time; time.sleep(0.3); sys.exit(3)") as supervisor:
        assert supervisor.stdout is not None
        told = [supervisor.stdout.readline() for _ in range(4)]
        assert told == [
            "ready\n",
            "child0   | ended with exit code 3; starting again in 0.2 s\n",
            "child0   | ended with exit code 3; starting again in 0.4 s\n",
            "child0   | ended with exit code 3; starting again in 0.8 s\n",
        ]


def test_a_home_has_one_supervisor(tmp_path: Path) -> None:
    with supervised(tmp_path, SLEEP), pytest.raises(AlreadyRunning):
        supervise([], home=tmp_path)
