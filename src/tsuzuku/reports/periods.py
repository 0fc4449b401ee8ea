# SPDX-License-Identifier: Apache-2.0
"""Days of the brand's time."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Days:
    """From a first day to a last one, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the last day lies before the first")

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The first moment of them, and the first after them."""
        ends = self.last + timedelta(days=1)
        return datetime.combine(self.first, time.min, tzinfo=zone), datetime.combine(ends, time.min, tzinfo=zone)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day of a moment."""
    return moment.astimezone(zone).date()
