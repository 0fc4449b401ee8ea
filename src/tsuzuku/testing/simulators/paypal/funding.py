# SPDX-License-Identifier: Apache-2.0
"""What a payer pays with at PayPal, and what taking the money then comes to."""

from enum import StrEnum


class Funding(StrEnum):
    """How the capture of an order goes whose payer has agreed."""

    GOOD = "good"
    #: Refused with an issue; the payer may choose another card on the same page.
    DECLINED = "INSTRUMENT_DECLINED"
    LIMIT = "TRANSACTION_LIMIT_EXCEEDED"
    RESTRICTED = "PAYER_ACCOUNT_RESTRICTED"
    REFUSED = "TRANSACTION_REFUSED"
    #: Taken for an answer: a capture that the bank could not be asked about, or whose account is empty.
    BANK_AWAY = "5920"
    BANK_EMPTY = "5120"
    #: Looked at first; then taken, or not.
    REVIEWED = "reviewed"
    REVIEWED_IN_VAIN = "reviewed-in-vain"


#: Refusals of the call, in PayPal's words.
REFUSALS = {
    Funding.DECLINED: "The instrument presented was either declined by the processor or bank.",
    Funding.LIMIT: "Total payment amount exceeded transaction limit.",
    Funding.RESTRICTED: "The payer's account is restricted.",
    Funding.REFUSED: "The request was refused.",
}
#: Captures that are made and declined, by what the bank answered.
DECLINED_CAPTURES = frozenset({Funding.BANK_AWAY, Funding.BANK_EMPTY})


class RefundEnd(StrEnum):
    """How a refund goes."""

    AT_ONCE = "at-once"
    #: Accepted now, done later.
    DONE = "done"
    #: Accepted now, failed later; no webhook tells it.
    FAIL = "fail"


class Trouble(StrEnum):
    """What goes wrong with the messages about an order on their way to the merchant."""

    NONE = "none"
    LATE = "late"
    TWICE = "twice"
    #: That the payer agreed is told after that the money was taken.
    OUT_OF_ORDER = "out-of-order"
    #: Told to nobody, as when a webhook was deleted.
    LOST = "lost"
