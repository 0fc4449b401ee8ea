# SPDX-License-Identifier: Apache-2.0
"""Runs the processes of an installation together: starts them, starts them again when they end, stops them together.

Children are killed by the kernel when the supervisor dies (`tether`). The embedded PostgreSQL is started again too, but
may outlive everybody: the next start joins it.
"""

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import click

from tsuzuku.project import postgres, tether
from tsuzuku.project.programs import Program

#: A child that ends is started again after this long; if it ends early again, each time after twice as long.
BACKOFF_SECONDS = 0.2
BACKOFF_SECONDS_MAX = 5.0
#: Whoever lived this long did not end early.
HEALTHY_SECONDS = 10.0
STOP_SECONDS = 10.0
#: Set in the environment of every child: the supervisor's process number.
SUPERVISOR_VARIABLE = "TSUZUKU_SUPERVISOR"

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta")


class AlreadyRunning(Exception):
    """Another supervisor keeps this home's processes running."""


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    backoff_seconds: float = BACKOFF_SECONDS


def processes_file(home: Path) -> Path:
    """Where the supervisor of a home keeps the process number of each program, and of `postgres`, as JSON."""
    return home / "run" / "processes.json"


def supervise(
    programs: Sequence[Program],
    *,
    home: Path,
    server: postgres.Server | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Keeps the programs, and `server` if given, running until SIGINT, SIGTERM or SIGHUP; then stops the programs.

    `on_ready` is called once, from another thread, when every program that has an address answers there. Call this from
    the main thread: the kernel ties the children to the thread that starts them. A second signal kills at once.
    Raises AlreadyRunning.
    """
    children = [_Child(program) for program in programs]
    say = _Speaker([child.program.name for child in children])
    stopping = threading.Event()
    record = _Record(processes_file(home), children, server)
    threads = [threading.Thread(target=_call_when_ready, args=(programs, on_ready, stopping, say), daemon=True)]
    if server is not None:
        threads.append(threading.Thread(target=_guard, args=(server, stopping, say, record.write), daemon=True))
    with _only_one(home), _signals_set(stopping):
        record.write()
        for thread in threads:
            thread.start()
        try:
            while not stopping.is_set():
                if _tend(children, say):
                    record.write()
                stopping.wait(0.05)
        finally:
            stopping.set()
            _stop(children, say)
            for thread in threads:
                thread.join(STOP_SECONDS)
            record.path.unlink(missing_ok=True)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    processes_file(home).parent.mkdir(parents=True, exist_ok=True)
    with processes_file(home).with_name("supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"Tsuzuku runs in {home} already; stop that first, or set another TSUZUKU_HOME."
            ) from None
        yield


@contextmanager
def _signals_set(stopping: threading.Event) -> Iterator[None]:
    """The first signal asks to stop, the second raises KeyboardInterrupt where we wait for the children."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tend(children: Sequence[_Child], say: "_Speaker") -> bool:
    """Notices who ended and starts who is due; returns whether anything changed."""
    changed = False
    now = time.monotonic()
    for child in children:
        if child.process is not None and (code := child.process.poll()) is not None:
            _kill_group(child.process.pid)
            if now - child.started_at > HEALTHY_SECONDS:
                child.backoff_seconds = BACKOFF_SECONDS
            say.line(child.program.name, f"{_ending(code)}; starting again in {child.backoff_seconds:.1f} s")
            child.process = None
            child.start_at = now + child.backoff_seconds
            child.backoff_seconds = min(child.backoff_seconds * 2, BACKOFF_SECONDS_MAX)
            changed = True
        if child.process is None and now >= child.start_at:
            child.process = _start(child.program, say)
            child.started_at = now
            changed = True
    return changed


def _start(program: Program, say: "_Speaker") -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C in a terminal reaches only the supervisor, which stops everybody in order.
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *program.command],
        env={**os.environ, "PYTHONUNBUFFERED": "1", SUPERVISOR_VARIABLE: str(os.getpid()), **program.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    threading.Thread(target=_repeat, args=(program.name, process, say), daemon=True).start()
    return process


def _repeat(name: str, process: subprocess.Popen[str], say: "_Speaker") -> None:
    """Repeats what a child prints. Goes on reading whatever happens, or the child would wait with a full pipe."""
    if process.stdout is not None:
        for line in process.stdout:
            say.line(name, line.rstrip("\n"))


def _stop(children: Sequence[_Child], say: "_Speaker") -> None:
    processes = [child.process for child in children if child.process is not None]
    try:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            process.wait(max(0.0, deadline - time.monotonic()))
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        left = [child.program.name for child in children if child.process and child.process.poll() is None]
        say.line("tsuzuku", f"killing what did not stop: {', '.join(left)}")
    finally:
        for process in processes:
            _kill_group(process.pid)
            process.wait()


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"ended with {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _guard(server: postgres.Server, stopping: threading.Event, say: "_Speaker", on_change: Callable[[], None]) -> None:
    """Starts the embedded PostgreSQL again when its first process is gone."""
    while not stopping.wait(0.1):
        if postgres.postmaster_pid(server) is None:
            say.line("postgres", "ended; starting again")
            try:
                postgres.revive(server)
            except postgres.PostgresFailed as problem:
                say.line("postgres", str(problem))
            on_change()


def _call_when_ready(
    programs: Sequence[Program], on_ready: Callable[[], None], stopping: threading.Event, say: "_Speaker"
) -> None:
    began = time.monotonic()
    for program in programs:
        warned = False
        while program.answers_at and not _answers(program.answers_at):
            if not warned and time.monotonic() - began > 60:
                say.line(program.name, f"does not answer yet at {program.answers_at}")
                warned = True
            if stopping.wait(0.1):
                return
    on_ready()


def _answers(url: str) -> bool:
    """Whether a server gives any answer but an error of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Speaker:
    """Prints lines of several threads, each behind its process's name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._width = max(len(name) for name in (*names, "postgres"))
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        prefix = click.style(f"{name:<{self._width}} |", fg=self._colours.get(name))
        # Nobody may read any more (`tsuzuku serve | head`); the processes matter, not their words.
        with self._lock, suppress(BrokenPipeError, ValueError):
            click.echo(f"{prefix} {text}")


class _Record:
    """The file of process numbers, always whole."""

    def __init__(self, path: Path, children: Sequence[_Child], server: postgres.Server | None) -> None:
        self.path = path
        self._children = children
        self._server = server
        self._lock = threading.Lock()

    def write(self) -> None:
        with self._lock:
            running = {each.program.name: each.process.pid for each in self._children if each.process is not None}
            if self._server is not None and (pid := postgres.postmaster_pid(self._server)) is not None:
                running["postgres"] = pid
            temporary = self.path.with_suffix(".new")
            temporary.write_text(json.dumps(running), encoding="utf-8")
            temporary.replace(self.path)
