# SPDX-License-Identifier: Apache-2.0
"""What renewals refuse beside what cards, catalog and allowances refuse already."""

from tsuzuku.kernel.errors import DomainError
from tsuzuku.renewals.quotes import Quote


class QuoteChanged(DomainError):
    """Price, terms or what the card holds are not what was shown; `quote` holds now, to be shown and asked again."""

    code = "quote-changed"

    def __init__(self, quote: Quote) -> None:
        super().__init__()
        self.quote = quote


class PriceRisen(DomainError):
    """Money came when the order's time was over, and the plan costs more by now."""

    code = "price-risen"


class PlanGone(DomainError):
    """Money came when the order's time was over, and the plan is not sold for this card any more."""

    code = "plan-gone"


class GiverNameMalformed(DomainError):
    """A friend's name that is too long, no single line, starts like a formula, or reads like an address or a number."""

    code = "giver-name-malformed"


class KeyReused(DomainError):
    """The idempotency key belongs to another renewal of this card by this actor."""

    code = "idempotency-key-reused"


class SourceUnknown(DomainError):
    """There is no such kept method of this customer, or it was removed."""

    code = "source-unknown"


class AutomaticByAnother(DomainError):
    """Another holder of the card has it renewed by itself; only they can change that."""

    code = "automatic-by-another"


class StopLinkForged(DomainError):
    """Nobody sent this link, or it is for an automatic renewal that has been switched on anew since."""

    code = "stop-link-forged"
