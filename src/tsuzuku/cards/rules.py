# SPDX-License-Identifier: Apache-2.0
"""Pure decisions about a card."""

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings

from tsuzuku.cards.errors import CardLost, CardNameMalformed, CardPastLastDate, CardSuspended
from tsuzuku.cards.models import Blocked
from tsuzuku.kernel.texts import begins_like_formula, is_one_line

NAME_LENGTH_MAX = 40


class Renewable(Protocol):
    """What of a card decides whether it can be renewed."""

    @property
    def blocked(self) -> str: ...

    @property
    def last_use_date(self) -> date | None: ...


def check_can_renew(card: Renewable, now: datetime) -> None:
    """Raises CardSuspended, CardLost or CardPastLastDate.

    The last date of use is a whole day of the brand's time: until its midnight the card can be renewed.
    """
    if card.blocked == Blocked.SUSPENDED:
        raise CardSuspended
    if card.blocked == Blocked.LOST:
        raise CardLost
    if card.last_use_date is not None and now.astimezone(ZoneInfo(settings.TIME_ZONE)).date() > card.last_use_date:
        raise CardPastLastDate(last_use_date=card.last_use_date)


def check_name(name: str) -> None:
    """Raises CardNameMalformed. Names end up in spreadsheets of the brand's staff, so none may begin like a formula."""
    if len(name) > NAME_LENGTH_MAX or not is_one_line(name) or begins_like_formula(name):
        raise CardNameMalformed
