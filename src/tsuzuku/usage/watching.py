# SPDX-License-Identifier: Apache-2.0
"""What nobody announces, so somebody must look: cards that appeared, days unlike others, months to make and to drop.

A look that costs time is repeated the more rarely the longer it took, so that looking stays a small part of the work.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, transaction

from tsuzuku.allowances.lots import local_day
from tsuzuku.allowances.store import brand_zone
from tsuzuku.journal import statements
from tsuzuku.usage.actions import draw_kept_readings
from tsuzuku.usage.anomalies import Oddity, tell_oddities
from tsuzuku.usage.models import AnomalyKind, KeptReading, Look, Reason
from tsuzuku.usage.partitions import drop_month, make_months, missing_months, months_ahead, past_months

log = logging.getLogger(__name__)

#: A look may take this part of the time.
_TIME_SHARE = 20
_APPEARED = "cards that appeared"
_APPEARED_EVERY = timedelta(seconds=5)
_TENFOLD = "tenfold days"
_TENFOLD_EVERY = timedelta(minutes=10)
_DROP = "months to drop"
_DROP_AGAIN = timedelta(minutes=1)

#: Less than this on a day is nothing unusual, in bytes.
TENFOLD_BYTES_MIN = 500 * 10**6
TENFOLD_FACTOR = 10
#: So many days with use must have been before it,
TENFOLD_DAYS_MIN = 3
#: among this many.
TENFOLD_DAYS_BEFORE = 30


def _is_time(name: str, now: datetime) -> bool:
    return not Look.objects.filter(name=name, next_at__gt=now).exists()


def _look(name: str, run: Callable[[], int], *, every: timedelta, now: datetime) -> int:
    """Looks, and says when it is time again."""
    began = time.monotonic()
    found = run()
    pause = max(every, _TIME_SHARE * timedelta(seconds=time.monotonic() - began))
    Look.objects.update_or_create(name=name, defaults={"next_at": now + pause})
    return found


# -- cards that appeared -----------------------------------------------------------------------------------------------


def should_look_for_cards(now: datetime) -> bool:
    """Whether readings wait for their cards, and it is time to look for these."""
    return KeptReading.objects.filter(reason=Reason.CARD_UNKNOWN).exists() and _is_time(_APPEARED, now)


def look_for_cards(*, now: datetime) -> int:
    """Draws what was kept aside for cards that are there now; returns how many readings."""

    def run() -> int:
        drawn = 0
        while portion := draw_kept_readings(now=now):
            drawn += portion
        return drawn

    return _look(_APPEARED, run, every=_APPEARED_EVERY, now=now)


# -- days unlike others ------------------------------------------------------------------------------------------------

#: Days since yesterday that are ten times the mean of the card's days with use in the weeks before.
_FIND_TENFOLD = """
    WITH large AS (
        SELECT card_id, (ended_at AT TIME ZONE %(zone)s)::date AS day, sum(amount)::bigint AS amount
          FROM usage_record
         WHERE kind = 'data' AND ended_at >= (%(yesterday)s::date)::timestamp AT TIME ZONE %(zone)s
         GROUP BY 1, 2
        HAVING sum(amount) >= %(least)s
    ), before AS (
        SELECT large.card_id, large.day, large.amount, (used.ended_at AT TIME ZONE %(zone)s)::date AS day_before,
               sum(used.amount) AS used
          FROM large
          JOIN usage_record AS used
            ON used.card_id = large.card_id AND used.kind = 'data'
           AND used.ended_at >= (large.day - %(days)s)::timestamp AT TIME ZONE %(zone)s
           AND used.ended_at < large.day::timestamp AT TIME ZONE %(zone)s
         WHERE used.ended_at >= (%(yesterday)s::date - %(days)s)::timestamp AT TIME ZONE %(zone)s
         GROUP BY 1, 2, 3, 4
        HAVING sum(used.amount) > 0
    )
    SELECT card_id, day, amount
      FROM before
     GROUP BY card_id, day, amount
    HAVING count(*) >= %(days_min)s AND amount >= %(factor)s * avg(used)
     ORDER BY card_id, day
"""


def should_look_for_tenfold_days(now: datetime) -> bool:
    """Whether it is time."""
    return _is_time(_TENFOLD, now)


def look_for_tenfold_days(*, now: datetime) -> int:
    """Tells of days, since yesterday, on which a card used ten times its usual; returns how many were new."""

    def run() -> int:
        today = local_day(now, brand_zone())
        found = statements.rows(
            _FIND_TENFOLD,
            {
                "zone": settings.TIME_ZONE,
                "yesterday": today - timedelta(days=1),
                "least": TENFOLD_BYTES_MIN,
                "days": TENFOLD_DAYS_BEFORE,
                "days_min": TENFOLD_DAYS_MIN,
                "factor": TENFOLD_FACTOR,
            },
        )
        oddities = [Oddity(card_id, AnomalyKind.TENFOLD, day, amount) for card_id, day, amount in found]
        with transaction.atomic():
            return tell_oddities(oddities, actor="system", now=now)

    return _look(_TENFOLD, run, every=_TENFOLD_EVERY, now=now)


# -- months ------------------------------------------------------------------------------------------------------------


def should_tend_months(now: datetime) -> bool:
    """Whether a month ahead is missing, or one need no longer be kept."""
    return bool(missing_months(months_ahead(now))) or (_is_time(_DROP, now) and bool(past_months(now)))


def tend_months(*, now: datetime) -> int:
    """Makes months ahead, rolls up and drops those that need no longer be kept; returns how many it made or dropped."""
    done = make_months(months_ahead(now))
    for month in past_months(now):
        try:
            drop_month(month, now=now)
        except OperationalError as problem:
            log.warning("the readings of %s are not dropped yet: %s", month, problem)
            Look.objects.update_or_create(name=_DROP, defaults={"next_at": now + _DROP_AGAIN})
            break
        done += 1
    return done
