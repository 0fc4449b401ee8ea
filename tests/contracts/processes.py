# SPDX-License-Identifier: Apache-2.0
"""Simulators of payment providers as processes."""

import sys
from pathlib import Path

from tsuzuku.project.simulators import SIMULATORS
from tsuzuku.testing.processes import SandboxProcess


def simulator_process(name: str, home: Path, *, webhook: str) -> SandboxProcess:
    """The command `tsuzuku simulator` for one provider, in a home of its own."""
    return SandboxProcess(
        [sys.executable, "-m", "tsuzuku.project.cli", "simulator", name, "--webhook", webhook],
        folder=home / SIMULATORS[name].sandbox.name,
        env={"TSUZUKU_HOME": str(home)},
    )
