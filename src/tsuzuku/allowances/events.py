# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class LotStarted(Event):
    """Somebody started a lot that waited for a tap."""

    kind: ClassVar[str] = "lot-started"
    lot_id: int
