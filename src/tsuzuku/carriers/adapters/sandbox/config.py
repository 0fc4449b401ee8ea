# SPDX-License-Identifier: Apache-2.0
"""Where the sandbox carrier is and how it behaves, as it says itself in its folder."""

from dataclasses import dataclass
from pathlib import Path

from tsuzuku.kernel.whole_files import WatchedJson


@dataclass(frozen=True, slots=True)
class Address:
    """What the address file holds. Without a file nobody was ever started here, and the carrier confirms at once."""

    url: str | None = None
    mode: str = "instant"
    settles_within_seconds: int = 10


class Config:
    """Reads the address file of a sandbox's folder, again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._file = WatchedJson(folder / "address.json")

    def address(self) -> Address:
        """The address now. ValueError if the file holds something else."""
        fields = self._file.read()
        if fields is None:
            return Address()
        return Address(
            url=str(fields["url"]),
            mode=str(fields["mode"]),
            settles_within_seconds=int(fields["settles_within_seconds"]),
        )
