# SPDX-License-Identifier: Apache-2.0
"""Why a renewal is refused by what the card already has; docs/contracts/scenario.md fixes the codes."""

from tsuzuku.kernel.errors import DomainError


class RenewalRefused(DomainError):
    """The base of the refusals; nothing has changed."""


class StackFull(RenewalRefused):
    """As many renewals as the plan allows are already running, used up or waiting."""

    code = "stack-full"


class CardExpired(RenewalRefused):
    """The card's last lot ended longer ago than the plan's grace."""

    code = "card-expired"


class NothingToJoin(RenewalRefused):
    """The plan only adds to a lot, and there is none that it may join."""

    code = "nothing-to-join"


class LotCannotStart(DomainError):
    """The lot does not wait for a tap (any more), or is not this card's."""

    code = "lot-cannot-start"


class FlightPast(DomainError):
    """Advice was asked for until a flight that is not ahead."""

    code = "flight-past"


class FlightTooFar(DomainError):
    """Advice was asked for until a flight that is further off than advice looks."""

    code = "flight-too-far"


class PaceNegative(DomainError):
    """Advice was asked for with less than nothing used a day."""

    code = "pace-negative"
