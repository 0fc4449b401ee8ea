# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

from tsuzuku.kernel.errors import DomainError


class CardUnknown(DomainError):
    """There is no such card, or it is not for the asker to know of."""

    code = "card-unknown"


class CardNotOpened(DomainError):
    """Number and PIN do not open a card. Deliberately the same for a wrong PIN, an unknown card and one without PIN."""

    code = "card-not-opened"


class TooManyGuesses(DomainError):
    """Too many wrong PINs; the same whether the card exists or not. Particulars: retry_after_seconds."""

    code = "too-many-guesses"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class TooManyNumbers(DomainError):
    """Friends tried too many numbers; the same whether there are such cards. Particulars: retry_after_seconds."""

    code = "too-many-numbers"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class CardSuspended(DomainError):
    """The brand has suspended the card; nothing can be renewed on it."""

    code = "card-suspended"


class CardLost(DomainError):
    """The card was reported lost; nothing can be renewed on it."""

    code = "card-lost"


class CardPastLastDate(DomainError):
    """The card's own last date of use is over. Particulars: last_use_date."""

    code = "card-past-last-date"


class CardNameMalformed(DomainError):
    """A name for a card that is too long, has control characters, or starts as a spreadsheet's formula does."""

    code = "card-name-malformed"


class FriendLinkUnknown(DomainError):
    """The card has no open friend link of that number, or nobody made the link that was followed."""

    code = "friend-link-unknown"


class FriendLinkOver(DomainError):
    """The friend link was ended, is too old, or whoever made it does not have the card any more."""

    code = "friend-link-over"


class TooManyFriendLinks(DomainError):
    """The card has as many open friend links as it can have."""

    code = "too-many-friend-links"


class StockFileRefused(DomainError):
    """A stock file that cannot be read at all. Particulars: what names it; `reason` says why and what to do."""

    code = "stock-file-refused"

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class FlagUnknown(DomainError):
    """There is no flag of that number."""

    code = "flag-unknown"
