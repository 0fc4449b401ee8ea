# SPDX-License-Identifier: Apache-2.0
"""What the catalogue refuses."""

from tsuzuku.kernel.errors import DomainError


class PlanUnknown(DomainError):
    """No such plan is on sale at this door now."""

    code = "plan-unknown"


class PlanNotForCard(DomainError):
    """The plan names card groups, and this card is in none of them."""

    code = "plan-not-for-card"


class PlanFileRefused(DomainError):
    """A plan file with mistakes, of which nothing was taken. Particulars: how many."""

    code = "plan-file-refused"
