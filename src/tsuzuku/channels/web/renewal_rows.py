# SPDX-License-Identifier: Apache-2.0
"""Renewals of a card as rows: what, for how much, how it stands, and the way to the same again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language

from tsuzuku.channels.web.mixing import confirm_address
from tsuzuku.channels.web.order_stage import Stage, simple_stage
from tsuzuku.renewals.models import Renewal


@dataclass(frozen=True, slots=True)
class RenewalRow:
    """One renewal."""

    renewal: Renewal
    name: str
    stage: Stage
    #: Where the same is ordered anew.
    again: str


def renewal_rows(renewals: Iterable[Renewal], *, token: str, now: datetime) -> list[RenewalRow]:
    """Renewals of one card, that come with their orders, plans and terms."""
    return [
        RenewalRow(
            renewal=renewal,
            name=renewal.name_in(get_language() or "en"),
            stage=simple_stage(renewal.order, renewal, now=now),
            again=confirm_address(token, renewal.plan.code, renewal.terms.mix),
        )
        for renewal in renewals
    ]
