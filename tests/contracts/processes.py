# SPDX-License-Identifier: Apache-2.0
"""Simulators of payment providers as processes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsuzuku.project.simulators import SIMULATORS
from tsuzuku.testing.processes import SandboxProcess


@contextmanager
def simulator_at_work(name: str, home: Path, *, webhook: str) -> Iterator[SandboxProcess]:
    """A simulator that tells `webhook`, until it is not needed any more."""
    process = simulator_process(name, home, webhook=webhook)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def simulator_process(name: str, home: Path, *arguments: str, webhook: str) -> SandboxProcess:
    """The command `tsuzuku simulator` for one provider, in a home of its own."""
    return SandboxProcess(
        [sys.executable, "-m", "tsuzuku.project.cli", "simulator", name, "--webhook", webhook, *arguments],
        folder=home / SIMULATORS[name].sandbox.name,
        env={"TSUZUKU_HOME": str(home)},
    )
