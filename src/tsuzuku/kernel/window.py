# SPDX-License-Identifier: Apache-2.0
"""A half-open window of time: usable at its start, no longer at its end."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From `starts_at` up to but not including `ends_at`; both aware datetimes."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.ends_at < self.starts_at:
            raise ValueError("a window cannot end before it starts")

    def holds(self, moment: datetime) -> bool:
        """Whether `moment` lies inside."""
        return self.starts_at <= moment < self.ends_at

    def is_over(self, moment: datetime) -> bool:
        """Whether the window has ended at `moment`."""
        return self.ends_at <= moment
