# SPDX-License-Identifier: Apache-2.0
"""An access point (APN): what a phone has to be told before a card's data works. Read here, without Django."""

import re
from typing import NamedTuple

#: The name as networks write it (3GPP TS 23.003, clause 9.1): labels of letters, digits and hyphens.
_ENTRY = re.compile(
    r"(?:(?P<carrier>[\w-]+)\s*=\s*)?"
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,98}[A-Za-z0-9])?)"
    r"(?:\s+(?P<user>\S+)\s+(?P<password>\S+))?"
)


class AccessPoint(NamedTuple):
    """What is typed into a phone; user and password are empty where none are asked for. All of it is public."""

    name: str
    user: str = ""
    password: str = ""


def parse_access_points(text: str) -> dict[str, AccessPoint]:
    """By carrier, and under an empty name for cards of every other one.

    `CARRIER=NAME USER PASSWORD` with commas between; carrier, user and password may be left out. Raises ValueError.
    """
    points: dict[str, AccessPoint] = {}
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        read = _ENTRY.fullmatch(entry)
        if read is None or (read["carrier"] or "") in points:
            raise ValueError(f"not an access point, or one too many: {entry!r}")
        points[read["carrier"] or ""] = AccessPoint(read["name"], read["user"] or "", read["password"] or "")
    return points
