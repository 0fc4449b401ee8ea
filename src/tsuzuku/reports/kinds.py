# SPDX-License-Identifier: Apache-2.0
"""The kinds of differences between providers' files and our books; data only."""

from enum import StrEnum


class DifferenceKind(StrEnum):
    """How a provider's file and our books differ, or what a person should know of a file."""

    #: In the file, and not in our books.
    MISSING_HERE = "missing-here"
    #: In our books, and in no file of the time.
    MISSING_THERE = "missing-there"
    AMOUNT_DIFFERS = "amount-differs"
    CURRENCY_DIFFERS = "currency-differs"
    TWICE_IN_FILE = "twice-in-file"
    #: Of a capture of ours, but not by us: somebody made it at the provider.
    REFUND_BY_HAND = "refund-by-hand"
    #: A payer's bank disputes, and we have not heard of it.
    DISPUTE_UNKNOWN = "dispute-unknown"
    #: The same in both, on another day than ours, as happens around midnight.
    ANOTHER_DAY = "another-day"
    #: What the provider kept on a day, which our books do not hold.
    FEE_TOTAL = "fee-total"


#: What nobody need do anything about.
INFORMATION = frozenset({DifferenceKind.ANOTHER_DAY, DifferenceKind.FEE_TOTAL})
