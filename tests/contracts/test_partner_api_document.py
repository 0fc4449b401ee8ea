# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document against the served installation: schemathesis makes calls up and looks at the answers."""

import subprocess
import sys

from tests.contracts.served import Served

_EXAMPLES = 15


def test_schemathesis_finds_nothing(served: Served) -> None:
    words = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.base}/openapi.json"]
    options = ["-H", f"Authorization: Bearer {served.keys['acme']}", "--max-examples", str(_EXAMPLES)]
    ran = subprocess.run(
        [*words, *options], capture_output=True, text=True, check=False, cwd=served.home, env=served.environment
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "8 selected / 8 total" in ran.stdout
    assert "❌" not in ran.stdout
