# SPDX-License-Identifier: Apache-2.0
"""The months of `usage_record`: made ahead and on demand, rolled up and dropped when nobody keeps them any longer."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from tsuzuku.usage.models import RolledMonth

#: Whoever draws readings holds this lock shared, whoever makes or drops a month holds it alone. An arbitrary number.
_LOCK = 0x7573_6167_65
#: Months made ahead of the present one.
_MONTHS_AHEAD = 2
#: A month is dropped only when nobody is in the way for so long; else the next look tries again.
_LOCK_WAIT = "5s"


def month_of(moment: datetime) -> date:
    """The first day of a moment's month in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    """The month after."""
    return (month + timedelta(days=31)).replace(day=1)


def _table(month: date) -> str:
    return f"usage_record_{month:%Y_%m}"


def _month_named(name: str) -> date:
    return datetime.strptime(name, "%Y_%m").replace(tzinfo=UTC).date()


def _begin(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def kept_since(now: datetime) -> datetime:
    """From when on readings are kept one by one, so that a repetition is known."""
    oldest = month_of(now - timedelta(days=settings.KEEP_USAGE_DAYS))
    rolled = RolledMonth.objects.order_by("-month").values_list("month", flat=True).first()
    return _begin(oldest if rolled is None else max(oldest, next_month(rolled)))


def hold_months() -> None:
    """Keeps every month as it is until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def missing_months(months: Iterable[date]) -> list[date]:
    """Those that have no partition, oldest first."""
    asked = sorted(set(months))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL",
            [[_table(month) for month in asked]],
        )
        missing = {name for (name,) in cursor.fetchall()}
    return [month for month in asked if _table(month) in missing]


def make_months(months: Iterable[date]) -> int:
    """Makes those that are missing; returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        missing = missing_months(months)
        for month in missing:
            # Attached rather than created in place: whoever reads the table meanwhile is not in the way.
            cursor.execute(f"CREATE TABLE {_table(month)} (LIKE usage_record INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE usage_record ATTACH PARTITION {_table(month)} FOR VALUES FROM (%s) TO (%s)",
                [_begin(month), _begin(next_month(month))],
            )
        return len(missing)


def months_ahead(now: datetime) -> list[date]:
    """The present month and those that are made ahead."""
    months = [month_of(now)]
    for _ahead in range(_MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    return months


def past_months(now: datetime) -> list[date]:
    """The months that need no longer be kept, oldest first."""
    oldest = month_of(now - timedelta(days=settings.KEEP_USAGE_DAYS))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(relid::regclass::text, 7) FROM pg_partition_tree('usage_record') WHERE isleaf ORDER BY 1"
        )
        months = [_month_named(name) for (name,) in cursor.fetchall()]
    return [month for month in months if month < oldest]


#: The newest month in which something was ever written.
_NEWEST_FILLED = """
    SELECT max(right(relid::regclass::text, 7))
      FROM pg_partition_tree('usage_record')
     WHERE isleaf AND pg_relation_size(relid) > 0
"""


def filled_until() -> datetime:
    """Where the months that hold readings end; those made ahead need no look. Hold the months."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_FILLED)
        [(name,)] = cursor.fetchall()
    return _begin(next_month(_month_named(name))) if name else datetime.min.replace(tzinfo=UTC)


#: What each card used on each local day of a month, added to what is known of that day.
_ROLL_UP = """
    INSERT INTO usage_usageday AS known (card_id, day, kind, amount, throttled, unserved)
    SELECT card_id, (ended_at AT TIME ZONE %s)::date, kind, sum(amount), sum(throttled), sum(unserved)
      FROM {table}
     GROUP BY 1, 2, 3
     ORDER BY 1, 2, 3
    ON CONFLICT (card_id, day, kind) DO UPDATE
       SET amount = known.amount + excluded.amount, throttled = known.throttled + excluded.throttled,
           unserved = known.unserved + excluded.unserved
"""


def drop_month(month: date, *, now: datetime) -> None:
    """Rolls a month up per card and local day, and drops it. Raises OperationalError if somebody is in the way."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if missing_months([month]):
            return
        cursor.execute(_ROLL_UP.format(table=_table(month)), [settings.TIME_ZONE])
        RolledMonth.objects.get_or_create(month=month, defaults={"rolled_up_at": now})
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        cursor.execute(f"DROP TABLE {_table(month)}")
