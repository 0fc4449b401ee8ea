# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tsuzuku.project.supervisor import processes_file

TSUZUKU = [sys.executable, "-m", "tsuzuku.project.cli"]


def test_two_migrations_at_once_take_turns(make_database: Callable[[], str]) -> None:
    environment = os.environ | {"TSUZUKU_DATABASE_URL": make_database()}
    both = [subprocess.Popen([*TSUZUKU, "migrate"], env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate()[0] for process in both]
    assert told == [b"The database is up to date.\n"] * 2


def test_serves_until_interrupted_and_all_of_it_dies_with_its_supervisor(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = os.environ | {"TSUZUKU_DATABASE_URL": make_database(), "TSUZUKU_HOME": str(tmp_path)}
    command = [*TSUZUKU, "serve", "--bind", address]
    for number in (signal.SIGINT, signal.SIGKILL):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as serve:
            assert serve.stdout is not None
            ready = next(line for line in serve.stdout if "|" not in line)
            assert ready == f"Tsuzuku answers at http://{address}\n"
            started = json.loads(processes_file(tmp_path).read_text())
            assert sorted(started) == ["web", "worker"]
            descendants = psutil.Process(serve.pid).children(recursive=True)
            assert len(descendants) >= 4
            serve.send_signal(number)
            serve.communicate(timeout=30)
            assert serve.returncode in (0, -signal.SIGKILL)
        deadline = time.monotonic() + 5
        while any(process.is_running() for process in descendants):
            assert time.monotonic() < deadline
            time.sleep(0.05)
