# SPDX-License-Identifier: Apache-2.0
"""What reports refuse."""

from tsuzuku.kernel.errors import DomainError


class SettlementUnknown(DomainError):
    """No provider of this installation, or not the one that was named, has settlement files of this form."""

    code = "settlement-unknown"


class SettlementEmpty(DomainError):
    """A settlement file without lines that does not say of which time it tells."""

    code = "settlement-empty"


class SettlementTooLarge(DomainError):
    """A settlement file of more bytes than are read at once: `bytes_max`."""

    code = "settlement-too-large"


class SettlementForeign(DomainError):
    """Not one of the file's payments is in our books, so it is another account's, or another installation's."""

    code = "settlement-foreign"


class SettlementOfAnotherTime(DomainError):
    """The file has lines outside the time that it was said to be of: `first` and `last`, days of the brand's time."""

    code = "settlement-of-another-time"


class DifferenceUnknown(DomainError):
    """There is no difference of this number."""

    code = "difference-unknown"


class DifferenceResolved(DomainError):
    """Somebody has seen to it already, or nobody need to."""

    code = "difference-resolved"
