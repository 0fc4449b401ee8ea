# SPDX-License-Identifier: Apache-2.0
"""What Tsuzuku asks of a carrier, whoever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tsuzuku.kernel.iccid import Iccid


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """How a carrier behaves."""

    #: The brand's own charging: what is booked here is credited, and nobody calls `activate`.
    confirms_at_once: bool
    #: A request that is not in the card's history this long after it was sent will never be applied.
    settles_within_seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivationRequest:
    """What to credit to a card. `reference` is ours, one per try that is meant to be credited once."""

    reference: str
    iccid: Iccid
    plan_code: str
    #: The plan's terms as sold, in plain JSON types; a carrier takes from them what it needs.
    terms: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Activation:
    """What a carrier has credited, when by its own clock, and the body in which it said so."""

    reference: str
    carrier_reference: str
    credited_at: datetime
    raw: str


class Carrier(Protocol):
    """An upstream network or wholesaler. Many credit twice when asked twice: `activate` is never repeated blindly."""

    @property
    def capabilities(self) -> Capabilities:
        """How it behaves now; cheap enough to ask for every batch."""

    def activate(self, request: ActivationRequest) -> Activation:
        """Credits a plan to a card and returns when it was credited.

        Raises Rejected (a final no, nothing was credited), Unavailable (nothing was credited) or OutcomeUnknown (ask
        `find_activation` before doing anything else). Returns or raises within the carrier's time-outs, and sends
        nothing afterwards.
        """

    def find_activation(self, *, iccid: Iccid, reference: str) -> Activation | None:
        """Asks the carrier's history of a card for the activation that carries our reference.

        None means that the history was read and does not hold it: final only `settles_within_seconds` after the request
        was sent. Raises Unavailable if the history could not be read; asking changes nothing.
        """
