# SPDX-License-Identifier: Apache-2.0
"""Simulators of payment providers as processes."""

import sys
from pathlib import Path

from tsuzuku.testing.processes import SandboxProcess

_RUN = """
import signal, sys
from pathlib import Path
from tsuzuku.testing.simulators.server import listening
from tsuzuku.testing.simulators.wechat_pay.sandbox import WeChatPaySandbox
with listening(WeChatPaySandbox(Path(sys.argv[1]), webhook=sys.argv[2])):
    signal.pause()
"""


def simulator_process(name: str, home: Path, *, webhook: str) -> SandboxProcess:
    """A simulator that tells `webhook`, in a home of its own."""
    folder = home / f"{name.replace('_', '-')}-sandbox"
    return SandboxProcess([sys.executable, "-c", _RUN, str(folder), webhook], folder=folder, env={})
