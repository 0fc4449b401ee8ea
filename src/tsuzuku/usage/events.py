# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class UsageUnusual(Event):
    """A card was used as it should not be, or as it never was; told once for each card, kind and local day.

    `anomaly` is tenfold (a day ten times the card's usual), after-expiry or blocked; `amount` is what was known of it
    then, in bytes (after-expiry and blocked also in seconds or messages).
    """

    kind: ClassVar[str] = "usage-unusual"
    anomaly: str
    #: ISO 8601, in the brand's time.
    day: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class UsageDrifted(Event):
    """A carrier's total was not what our count said. The carrier's figure has won.

    Bytes, seconds or messages left in the running lots; `placed` says what was drawn from them because of it (negative:
    given back), which is less than the drift where no lot could hold it.
    """

    kind: ClassVar[str] = "usage-drifted"
    lot_kind: str
    ours: int
    carriers: int
    placed: int


@dataclass(frozen=True, kw_only=True)
class DataRanLow(Event):
    """Of a lot of data, or all of a card's, 80 or 100 per cent are used; told of cards that somebody holds."""

    kind: ClassVar[str] = "data-ran-low"
    percent: int


@dataclass(frozen=True, kw_only=True)
class LotsBegan(Event):
    """Use has begun lots that waited, so that the card is online until another moment; of cards that somebody holds."""

    kind: ClassVar[str] = "lots-began"
