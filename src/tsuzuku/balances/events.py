# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class BalanceToppedUp(Event):
    """What an order paid is in its payer's balance."""

    kind: ClassVar[str] = "balance-topped-up"
    top_up_id: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class BalanceEndsSoon(Event):
    """A part of a balance ends in so many days, and its owner was told by mail."""

    kind: ClassVar[str] = "balance-ends-soon"
    user_id: int
    part_id: int
    days_before: int
