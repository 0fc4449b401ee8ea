# SPDX-License-Identifier: Apache-2.0
"""How much a balance is topped up by, and how long that lasts. Pure."""

from datetime import datetime, time, timedelta
from typing import Final

from tsuzuku.balances.errors import AmountNotOffered
from tsuzuku.look import formats

#: Yen.
AMOUNT_MIN: Final = 500
AMOUNT_MAX: Final = 10_000
STEP: Final = 100
PRESETS: Final = (500, 1_000, 3_000, 5_000, 10_000)

#: Prepaid value that can be used for less than six months is exempt from the Payment Services Act (資金決済法 4条 2号,
#: checked 2026-11-21). The shortest six months of a calendar have 181 days: this is less in any year.
LASTS_DAYS: Final = 180
#: So many days before its end a part is warned of.
WARN_DAYS_BEFORE: Final = (30, 7)


def check_amount(amount_minor: int) -> None:
    """Raises AmountNotOffered for anything but 500 to 10,000 yen in steps of 100."""
    if not AMOUNT_MIN <= amount_minor <= AMOUNT_MAX or amount_minor % STEP:
        raise AmountNotOffered


def ends_at(now: datetime, *, is_registered: bool) -> datetime | None:
    """When what is topped up at `now` ends: with the 180th day, counting today; None where nothing has to end."""
    if is_registered:
        return None
    today = formats.local(now)
    last_day = today.date() + timedelta(days=LASTS_DAYS - 1)
    return datetime.combine(last_day + timedelta(days=1), time(), tzinfo=today.tzinfo)
