# SPDX-License-Identifier: Apache-2.0
"""Renewals that friends pay for: what they may leave as their name, and what they and holders read of each other."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from tsuzuku.cards.friend_links import shown_names
from tsuzuku.kernel.iccid import masked
from tsuzuku.kernel.texts import begins_like_formula, is_one_line
from tsuzuku.orders.payers import GIVING, Came, friend_of_actor
from tsuzuku.orders.states import PAID
from tsuzuku.people.models import User
from tsuzuku.renewals.errors import GiverNameMalformed
from tsuzuku.renewals.models import GiverName, Renewal

GIVER_NAME_LENGTH_MAX: Final = 40
#: What addresses have and names have not: a holder reads the name in a message of ours, where a link would be a lure.
_LIKE_ADDRESS = re.compile(r"[/@:\\<>]|\w[.。]\w{2}")
#: More digits than that are a number to call.
_DIGITS_MAX: Final = 4


def check_giver_name(name: str) -> None:
    """Raises GiverNameMalformed. Names of every script are good; what a stranger could advertise with is not."""
    folded = unicodedata.normalize("NFKC", name)
    is_lure = _LIKE_ADDRESS.search(folded) or sum(letter.isdigit() for letter in folded) > _DIGITS_MAX
    if len(name) > GIVER_NAME_LENGTH_MAX or is_lure or not is_one_line(name) or begins_like_formula(name):
        raise GiverNameMalformed


def is_gift(renewal: Renewal) -> bool:
    """Whether it was ordered by somebody who surely is not who has the card, so that its order is theirs alone."""
    friend = friend_of_actor(renewal.actor)
    return friend is not None and friend.is_giver


def known_to_holders(renewals: QuerySet[Renewal]) -> QuerySet[Renewal]:
    """Those that concern who has the card: of friends' orders the paid ones, since others are nothing to them."""
    is_given = Q()
    for came in sorted(GIVING):
        is_given |= Q(actor__startswith=f"friend:{came}-")
    return renewals.filter(~is_given | Q(order__state=PAID))


def giver_names(renewal_ids: Collection[int]) -> dict[int, str]:
    """What the friends are called who paid for these renewals, where they said; one query."""
    return dict(GiverName.objects.filter(renewal__in=renewal_ids).values_list("renewal_id", "name"))


def forget_giver(*, payer: User) -> None:
    """Forgets what somebody wanted to be called by those whose cards they renewed: their account ends."""
    GiverName.objects.filter(renewal__order__payer=payer).delete()


def names_for_payers(renewals: Iterable[Renewal]) -> dict[int, str]:
    """What payers call the cards of renewals, that come with their cards, by renewal: by four digits of the number.

    Who came by a friend link reads what its maker chose, and never a digit. At most one query.
    """
    renewals = list(renewals)
    friends = {each.pk: friend_of_actor(each.actor) for each in renewals}
    by_link = {pk: friend.id for pk, friend in friends.items() if friend is not None and friend.came is Came.LINK}
    shown = shown_names(sorted(set(by_link.values())))
    return {
        each.pk: shown.get(by_link[each.pk]) or gettext("A friend’s card")
        if each.pk in by_link
        else masked(each.card.iccid)
        for each in renewals
    }


def name_for_payer(renewal: Renewal) -> str:
    """The same of one."""
    return names_for_payers([renewal])[renewal.pk]
