# SPDX-License-Identifier: Apache-2.0
"""Days as commands take them, in the brand's time."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import click


class Day(click.ParamType[date]):
    """A day such as 2026-11-21."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401  # click's own signature
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day: write 2026-11-21", param, ctx)


DAY = Day()


def day_starts(day: date) -> datetime:
    """Its first moment."""
    from tsuzuku.project import settings

    return datetime.combine(day, time.min, tzinfo=ZoneInfo(settings.TIME_ZONE))
