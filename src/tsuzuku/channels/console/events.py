# SPDX-License-Identifier: Apache-2.0
"""Facts of this door."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.people.events import StaffEvent


@dataclass(frozen=True, kw_only=True)
class StaffActed(StaffEvent):
    """A member of staff did something in the console, and said why."""

    kind: ClassVar[str] = "staff-acted"
    #: The deed's name, as in withdraw-promotion.
    deed: str
    reason: str
    #: What was asked for beside it, as the confirmation page showed it.
    details: str
    #: The form's: pressing twice acts once.
    key: str
