# SPDX-License-Identifier: Apache-2.0
"""How long an order waits for its money: hours, or days for a payer who has numbers to pay with at a store. Pure.

As long as it waits it holds its price, a use of its coupon, and what is set aside for it of a balance.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

#: How long an order waits that is paid at once or not at all.
PAY_WITHIN: Final = timedelta(hours=2)
#: Only numbers and codes that were asked for within a day keep their order: time enough to choose another store, while
#: whoever asked for new ones again and again would keep a price, and a coupon from others, for ever.
ASK_WITHIN: Final = timedelta(days=1)
#: What is paid at a store's till in the last minute is told so much later.
_STORES_TELL_WITHIN: Final = timedelta(minutes=30)
#: An order that is cancelled when its time is over is cancelled so much later: what was paid in the last minute is told
#: within minutes, and should not go back.
NEWS_TAKE_AT_MOST: Final = timedelta(minutes=15)
#: The longest slip that settings allow is paid until the end of the 60th day after its own. No order is kept for longer
#: than such a one asks for, whatever a provider says; its links live a week longer.
KEPT_AT_MOST: Final = ASK_WITHIN + timedelta(days=61) + _STORES_TELL_WITHIN


class Slip(NamedTuple):
    """Numbers or a code to pay with at a store."""

    asked_at: datetime
    #: When they can be used no more.
    until: datetime


def gives_slips(created_at: datetime, *, now: datetime) -> bool:
    """Whether an order of that age may be given numbers to pay with at a store."""
    return now < created_at + ASK_WITHIN


def kept_until(created_at: datetime, slip: Slip) -> datetime:
    """Until when an order is kept for numbers or a code to pay with.

    That is until they can be used, and a little for their news; for those that were asked for too late, not at all.
    """
    if not gives_slips(created_at, now=slip.asked_at):
        return created_at
    return min(slip.until + _STORES_TELL_WITHIN, created_at + KEPT_AT_MOST)
