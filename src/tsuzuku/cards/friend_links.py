# SPDX-License-Identifier: Apache-2.0
"""Links by which friends renew a card: made, read, ended, and which of them are open.

A link opens nothing of the card: whoever has it may pay for the card, and reads of it what its maker chose to show.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tsuzuku.cards.errors import FriendLinkOver, FriendLinkUnknown, TooManyFriendLinks
from tsuzuku.cards.models import Card, CardHolder, FriendLink
from tsuzuku.cards.rules import check_name
from tsuzuku.kernel.signed_numbers import read_signed_number, sign_number
from tsuzuku.people.models import User

#: For how many days a link can be made to last.
DAYS: Final = (1, 7, 30)
#: Open links of one card.
LINKS_MAX: Final = 10
_PURPOSE: Final = "tsuzuku.cards.friends"


def make_friend_link(*, card: Card, user: User | None, shown_name: str, days: int, now: datetime) -> FriendLink:
    """Makes a link for friends of whoever may act for a card, which the caller decides; `user` is null for a PIN.

    Raises CardNameMalformed, or TooManyFriendLinks.
    """
    shown_name = shown_name.strip()
    check_name(shown_name)
    with transaction.atomic():
        Card.objects.select_for_update(no_key=True).get(pk=card.pk)
        if open_friend_links(card, now=now).count() >= LINKS_MAX:
            raise TooManyFriendLinks
        return FriendLink.objects.create(
            card=card, user=user, shown_name=shown_name, made_at=now, ends_at=now + timedelta(days=days)
        )


def end_friend_link(*, card: Card, link_id: int, now: datetime) -> None:
    """Ends a link of a card, whoever of those who may act for the card has made it. Raises FriendLinkUnknown."""
    if not open_friend_links(card, now=now).filter(pk=link_id).update(ended_at=now):
        raise FriendLinkUnknown


def end_links_of(*, user: User, cards: Collection[int], now: datetime) -> None:
    """Ends the links of cards that somebody lets go of: theirs, and those of whoever had the PIN meanwhile."""
    made = Q(user=user) | Q(user=None)
    FriendLink.objects.filter(made, card__in=cards, ended_at=None).update(ended_at=now)


def end_links_of_others(*, card: Card, user: User, now: datetime) -> None:
    """Ends the links of a card that comes to somebody while nobody else holds it: it was another's until now."""
    FriendLink.objects.filter(~Q(user=user), card=card, ended_at=None).update(ended_at=now)


def forget_shown_names(*, user: User) -> None:
    """Forgets what somebody called cards towards friends: their account ends."""
    FriendLink.objects.filter(user=user).update(shown_name="")


def open_friend_links(card: Card, *, now: datetime) -> QuerySet[FriendLink]:
    """The links of a card that can be followed now, newest first."""
    return _open(FriendLink.objects.filter(card=card), now=now).order_by("-pk")


def _open(links: QuerySet[FriendLink], *, now: datetime) -> QuerySet[FriendLink]:
    """Those that are not over, and whose makers can still act for their cards."""
    holding = CardHolder.objects.filter(user=OuterRef("user"), card=OuterRef("card"))
    return links.filter(Q(user=None) | Exists(holding), ended_at=None, ends_at__gt=now)


def friend_link_token(link_id: int) -> str:
    """What the address of a link ends with."""
    return sign_number(link_id, secret=settings.SECRET_KEY, purpose=_PURPOSE)


def friend_link_address(link: FriendLink) -> str:
    """The address to pass on; always the same for one link."""
    return f"{settings.PUBLIC_URL}/f/{friend_link_token(link.pk)}"


def followed_link(token: str, *, now: datetime) -> FriendLink:
    """The link of an address, with its card. Raises FriendLinkUnknown or FriendLinkOver."""
    link_id = read_signed_number(token, secret=settings.SECRET_KEY, purpose=_PURPOSE)
    link = None if link_id is None else FriendLink.objects.select_related("card").filter(pk=link_id).first()
    if link is None:
        raise FriendLinkUnknown
    if not _open(FriendLink.objects.filter(pk=link.pk), now=now).exists():
        raise FriendLinkOver
    return link


def shown_names(link_ids: Sequence[int]) -> dict[int, str]:
    """What friends who came by these links read of their cards; one query, or none."""
    return dict(FriendLink.objects.filter(pk__in=link_ids).values_list("pk", "shown_name")) if link_ids else {}
