# SPDX-License-Identifier: Apache-2.0
"""What receipts refuse."""

from tsuzuku.kernel.errors import DomainError


class ReceiptNotGenuine(DomainError):
    """It was not signed by this issuer, or a character of it was changed since."""

    code = "receipt-not-genuine"


class ReceiptNotPrintable(DomainError):
    """A letter on the receipt is in none of the fonts of this machine, so no PDF can be made."""

    code = "receipt-not-printable"


class TooManyReceiptMails(DomainError):
    """A receipt was sent by mail too often in an hour."""

    code = "too-many-receipt-mails"
