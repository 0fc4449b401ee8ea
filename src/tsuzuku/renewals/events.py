# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class RenewalActivated(Event):
    """The card holds what was bought."""

    kind: ClassVar[str] = "renewal-activated"
    renewal_id: int


@dataclass(frozen=True, kw_only=True)
class RenewalWithdrawn(Event):
    """It will never be activated. What was paid goes back."""

    kind: ClassVar[str] = "renewal-withdrawn"
    renewal_id: int
    reason: str
