# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

from collections.abc import Mapping

from django.utils.functional import Promise

from tsuzuku.kernel.errors import DomainError


class NewCardsSoldOut(DomainError):
    """There is no card on the shelf; nothing was ordered."""

    code = "new-cards-sold-out"


class TooManyNewCards(DomainError):
    """This customer has as many new cards put aside as may wait for their payment."""

    code = "too-many-new-cards"


class NewCardKeyReused(DomainError):
    """The idempotency key stands for another new card of this customer."""

    code = "new-card-key-reused"


class PlanNotForNewCard(DomainError):
    """The plan only adds to another one, or is sold in another currency than new cards are."""

    code = "plan-not-for-new-card"


class PostalAddressMalformed(DomainError):
    """Parts of a postal address are missing or wrong; particulars: mistakes, a text for each part's name."""

    code = "postal-address-malformed"

    def __init__(self, *, mistakes: Mapping[str, Promise]) -> None:
        super().__init__(mistakes=mistakes)
        self.mistakes = mistakes


class NotPostedThere(DomainError):
    """The operator sends no cards to this country."""

    code = "not-posted-there"


class ParcelUnknown(DomainError):
    """There is no parcel of that number."""

    code = "parcel-unknown"


class TrackingMalformed(DomainError):
    """A parcel that is shipped has a carrier and a number to track it by."""

    code = "tracking-malformed"
