# SPDX-License-Identifier: Apache-2.0
"""The card's number that a friend has typed, kept in their session: in an address it would end up in logs."""

from datetime import datetime, timedelta

from django.http import HttpRequest

from tsuzuku.kernel.iccid import Iccid

#: How long it stays.
KEPT_FOR = timedelta(hours=2)
_SESSION_KEY = "friend_number"


def remember_number(request: HttpRequest, number: Iccid, *, now: datetime) -> None:
    """Keeps a number for the pages that follow."""
    request.session[_SESSION_KEY] = [number, (now + KEPT_FOR).timestamp()]


def remembered_number(request: HttpRequest, *, now: datetime) -> Iccid | None:
    """The number that was typed a while ago."""
    number, until = request.session.get(_SESSION_KEY, ["", 0])
    return Iccid(number) if until > now.timestamp() else None


def in_groups(number: str) -> str:
    """A number as it is compared with a card: in groups of four digits."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
