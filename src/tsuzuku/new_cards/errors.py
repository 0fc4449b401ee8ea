# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

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
