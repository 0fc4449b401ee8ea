# SPDX-License-Identifier: Apache-2.0
"""Files that are only ever replaced as a whole, so that a reader sees the old content or the new one."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any


class WatchedJson:
    """A JSON object in a file; looking at an unchanged one costs a stat."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[tuple[int, int, int], Mapping[str, Any]] | None = None

    def read(self) -> Mapping[str, Any] | None:
        """The object as it is now; None if there is no file. ValueError if the file holds something else."""
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            known = self._known
            if known is not None and known[0] == stamp:
                return known[1]
            fields = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        if isinstance(fields, dict):
            # Read after the stat: a file replaced in between is only read once more next time.
            self._known = (stamp, MappingProxyType(fields))
            return self._known[1]
        raise ValueError(f"{self._path.name} holds no JSON object")


def write_whole(path: Path, content: str, *, mode: int = 0o644) -> None:
    """Replaces a file, or makes it; on disk when it returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Returns when the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
