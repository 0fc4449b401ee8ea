# SPDX-License-Identifier: Apache-2.0
"""Renewals of a card as rows: what, for how much, how it stands, and the way to the same again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language

from tsuzuku.cards.models import CardHolder
from tsuzuku.channels.web.mixing import confirm_address
from tsuzuku.channels.web.order_stage import Stage, simple_stage
from tsuzuku.reminders.ways import wants_names
from tsuzuku.renewals.gifts import giver_names, is_gift
from tsuzuku.renewals.models import Renewal


@dataclass(frozen=True, slots=True)
class RenewalRow:
    """One renewal."""

    renewal: Renewal
    name: str
    stage: Stage
    #: Where the same is ordered anew.
    again: str
    #: Whether a friend has given it, so that price and order are theirs; and the friend's name, if its reader may know.
    is_gift: bool
    giver: str


def renewal_rows(
    renewals: Iterable[Renewal], *, token: str, reader: CardHolder | None, now: datetime
) -> list[RenewalRow]:
    """Renewals of one card, that come with their orders, plans and terms, for a holder or who opened it with the PIN.

    Two queries if friends have given any of them.
    """
    renewals = list(renewals)
    given = [renewal.pk for renewal in renewals if is_gift(renewal)]
    givers = giver_names(given) if given and wants_names(reader) else {}
    return [
        RenewalRow(
            renewal=renewal,
            name=renewal.name_in(get_language() or "en"),
            stage=simple_stage(renewal.order, renewal, now=now),
            again=confirm_address(token, renewal.plan.code, renewal.terms.mix),
            is_gift=renewal.pk in given,
            giver=givers.get(renewal.pk, ""),
        )
        for renewal in renewals
    ]
