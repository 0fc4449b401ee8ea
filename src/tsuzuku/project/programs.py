# SPDX-License-Identifier: Apache-2.0
"""The processes an installation consists of, for the supervisor."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WEB_PROCESSES = 2
#: Pages that one web process works on at a time; each may hold a database connection.
WEB_THREADS = 32


@dataclass(frozen=True)
class Program:
    """A process to keep running. `answers_at` is a URL that tells whether it serves already."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    answers_at: str | None = None


def tsuzuku(name: str, *words: str, answers_at: str | None = None) -> Program:
    """A command of `tsuzuku` as a process of that name."""
    return Program(name, [sys.executable, "-m", "tsuzuku.project.cli", *words], answers_at=answers_at)


def worker() -> Program:
    """Background work."""
    return tsuzuku("worker", "worker")


def web(*, host: str, port: int, processes: int = WEB_PROCESSES) -> Program:
    """The web pages, served by Granian."""
    options = {
        "interface": "asginl",
        "http": "1",
        "host": host,
        "port": port,
        "workers": processes,
        # Less than the supervisor's patience, so that requests under way end before it kills.
        "workers-kill-timeout": 8,
        "log-level": "error",
    }
    flags = ["--no-ws", "--respawn-failed-workers"]
    words = [f"--{name}={value}" for name, value in options.items()]
    return Program(
        "web",
        [sys.executable, "-m", "granian", *words, *flags, "tsuzuku.project.asgi:application"],
        answers_at=local_url(host, port),
    )


def local_url(host: str, port: int) -> str:
    """The address at which this machine reaches a server that listens there."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not listened at
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
