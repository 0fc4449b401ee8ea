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
