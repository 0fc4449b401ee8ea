# SPDX-License-Identifier: Apache-2.0
"""The file of what happened: a JSON object a line, only ever added to, on disk before anybody is answered."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tsuzuku.kernel.whole_files import sync_folder


class JournalDamaged(Exception):
    """A line before the last cannot be read: somebody wrote into the file, and its history cannot be trusted."""


class Journal:
    """One writer at a time; whoever opens it holds the folder's lock, and calls `append` under a lock of its own."""

    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._path = path
        if is_new:
            sync_folder(path.parent)
        self._size = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Every record, oldest first. A torn last line, which nobody was told about, is cut off. Read before appending.

        Raises JournalDamaged.
        """
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                record = _parse(line)
                if record is None:
                    if file.read(1):
                        raise JournalDamaged(f"{self._path.name}, line {number}")
                    break
                self._size += len(line)
                yield record
        os.ftruncate(self._descriptor, self._size)
        os.fsync(self._descriptor)

    def append(self, record: Mapping[str, object]) -> None:
        """Writes a record and returns when it is on disk. A record that did not fit on the disk leaves no trace."""
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(f"only {written} of {len(line)} bytes could be written")
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)


def _parse(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None if it is torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
