# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class CardHeld(Event):
    """Somebody may act for the card from now on."""

    kind: ClassVar[str] = "card-held"
    user_id: int
