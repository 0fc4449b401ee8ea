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


@dataclass(frozen=True, kw_only=True)
class AutomaticRenewalSwitchedOn(Event):
    """A card is renewed by itself from now on."""

    kind: ClassVar[str] = "automatic-renewal-switched-on"
    automatic_id: int
    plan: str
    price_minor: int


@dataclass(frozen=True, kw_only=True)
class AutomaticRenewalAnnounced(Event):
    """Its owner was told when it will be renewed, and at which price."""

    kind: ClassVar[str] = "automatic-renewal-announced"
    automatic_id: int
    price_minor: int


@dataclass(frozen=True, kw_only=True)
class AutomaticRenewalFailed(Event):
    """It could not be renewed; what the card has is as it was."""

    kind: ClassVar[str] = "automatic-renewal-failed"
    automatic_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class AutomaticRenewalSwitchedOff(Event):
    """It is not renewed by itself any more: by its owner (no reason), or because it could not be."""

    kind: ClassVar[str] = "automatic-renewal-switched-off"
    automatic_id: int
    reason: str
