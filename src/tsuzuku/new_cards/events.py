# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class NewCardReady(Event):
    """A card that was ordered new holds its first plan and is its buyer's."""

    kind: ClassVar[str] = "new-card-ready"
    new_card_id: int


@dataclass(frozen=True, kw_only=True)
class ParcelShipped(Event):
    """A card that was ordered new is in the post."""

    kind: ClassVar[str] = "parcel-shipped"
    parcel_id: int
