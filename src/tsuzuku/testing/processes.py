# SPDX-License-Identifier: Apache-2.0
"""Sandboxes as real processes that a test starts, kills and starts again."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tsuzuku.testing.simulators.server import ADDRESS_FILE

START_SECONDS = 20


class SandboxProcess:
    """A sandbox that runs `command` and keeps its files in `folder`; `env` is added to the environment."""

    def __init__(self, command: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self._command = command
        self._env = {**os.environ, **env}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process and returns when it has announced its address."""
        process = subprocess.Popen(self._command, env=self._env, stdout=subprocess.DEVNULL)
        self._process = process
        until = time.monotonic() + START_SECONDS
        while self._address().get("pid") != process.pid:
            if process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"the sandbox did not start (exit code {process.returncode})")
            time.sleep(0.02)

    @property
    def url(self) -> str:
        """Where it listens, or listened last."""
        return str(self._address()["url"])

    def kill(self) -> None:
        """Ends the process as a crash would, and waits for its end."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Asks the process to end; returns its exit code."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Waits until it has ended by itself; returns its exit code."""
        return self._end(None)

    def post(self, path: str, fields: Mapping[str, object], **headers: str) -> dict[str, Any]:
        """Posts JSON and returns the answer's. Raises urllib's HTTPError for a refusal."""
        return self._exchange(path, json.dumps(fields).encode(), {"Content-Type": "application/json", **headers})

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        """Gets JSON."""
        return self._exchange(path, None, headers)

    def download(self, path: str, **headers: str) -> bytes:
        """Gets a file."""
        return self._answer(path, None, headers)

    def _exchange(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._answer(path, body, headers))
        return found

    def _answer(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own address
            f"{self.url}{path}", data=body, headers=dict(headers)
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            answered: bytes = answer.read()
            return answered

    def _address(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / ADDRESS_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _end(self, number: signal.Signals | None) -> int:
        process = self._process
        if process is None:
            return 0
        if number is not None and process.poll() is None:
            process.send_signal(number)
        return process.wait(timeout=START_SECONDS)
