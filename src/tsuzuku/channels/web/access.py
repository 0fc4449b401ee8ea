# SPDX-License-Identifier: Apache-2.0
"""Who may see which card and which order: its holder, its payer, or a session that opened the card with its PIN.

To everybody else nothing exists: they get the same 404 for what is not there and for what is not theirs.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest

from tsuzuku.balances.models import TopUp
from tsuzuku.balances.queries import top_up_of
from tsuzuku.cards.errors import CardUnknown
from tsuzuku.cards.models import Card, CardHolder
from tsuzuku.cards.queries import card_by_token
from tsuzuku.orders.errors import OrderUnknown
from tsuzuku.orders.models import Order
from tsuzuku.orders.payers import friend_of
from tsuzuku.orders.queries import order_by_number
from tsuzuku.people.models import User
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.queries import renewal_of

#: How long a PIN opens a card in one browser.
OPENED_FOR = timedelta(hours=2)
_SESSION_KEY = "opened_cards"
_ORDERS_KEY = "opened_orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAccess:
    """A card, and as whom it is seen."""

    card: Card
    user: User | None
    #: Null for a card that was opened with its PIN and is held by nobody here.
    holder: CardHolder | None

    @property
    def actor(self) -> str:
        """Who acts, as facts name people."""
        return f"customer:{self.user.pk}" if self.user else f"card:{self.card.pk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccess:
    """An order with what it pays for, and as whom it is seen."""

    order: Order
    paid_for: Renewal | TopUp
    user: User | None
    #: Whether they may see what the card has; not who only paid by a link that was passed on to them.
    sees_card: bool = True

    @property
    def renewal(self) -> Renewal:
        """What it pays for, where only renewals have a page; for anything else that page does not exist."""
        if isinstance(self.paid_for, TopUp):
            raise Http404
        return self.paid_for

    @property
    def actor(self) -> str:
        """Who acts, as facts name people."""
        if self.user is not None:
            return f"customer:{self.user.pk}"
        return f"card:{self.renewal.card_id}" if self.sees_card else self.order.actor

    @property
    def limited_as(self) -> str:
        """For whom payments are counted: the card, whoever pays for it, or the customer who tops up."""
        if isinstance(self.paid_for, TopUp):
            return f"customer:{self.paid_for.user_id}"
        return f"card:{self.paid_for.card_id}"

    @property
    def payer(self) -> User | None:
        """Who is logged in, if it is their order."""
        return self.user if self.user is not None and self.user.pk == self.order.payer_id else None


def person(request: HttpRequest) -> User | None:
    """Who is logged in."""
    return None if isinstance(request.user, AnonymousUser) else request.user


def owner(request: HttpRequest) -> User:
    """Whose account it is, behind `login_required`."""
    user = person(request)
    if user is None:
        raise Http404
    return user


def remember_opened(request: HttpRequest, card: Card, *, now: datetime) -> None:
    """Lets this browser see a card that its PIN has opened, for a while, under a new session id."""
    opened = _opened(request, _SESSION_KEY, now=now)
    opened[str(card.pk)] = (now + OPENED_FOR).timestamp()
    request.session.cycle_key()
    request.session[_SESSION_KEY] = opened


def remember_order(request: HttpRequest, order: Order, *, now: datetime) -> None:
    """Lets this browser see an order that its link has opened, for a while, under a new session id."""
    opened = _opened(request, _ORDERS_KEY, now=now)
    opened[order.number] = (now + OPENED_FOR).timestamp()
    request.session.cycle_key()
    request.session[_ORDERS_KEY] = opened


def card_or_404(request: HttpRequest, token: str, *, now: datetime) -> CardAccess:
    """The card of an address, if it is for who asks to see."""
    try:
        card = card_by_token(token)
    except CardUnknown:
        raise Http404 from None
    user = person(request)
    holder = CardHolder.objects.filter(user=user, card=card).first() if user else None
    if holder is None and not _is_opened(request, card.pk, now=now):
        raise Http404
    return CardAccess(card=card, user=user, holder=holder)


def order_or_404(request: HttpRequest, number: str, *, now: datetime) -> OrderAccess:
    """The order of a number, if it is for who asks to see. A number alone opens nothing, a link of the order does.

    What a friend gives is the friend's: whoever has the card hears of it, and sees neither order nor receipt.
    """
    try:
        order = order_by_number(number)
    except OrderUnknown:
        raise Http404 from None
    user = person(request)
    top_up = top_up_of(order)
    if top_up is not None:
        if user is None or top_up.user_id != user.pk:
            raise Http404
        return OrderAccess(order=order, paid_for=top_up, user=user)
    renewal = renewal_of(order)
    is_payer = user is not None and order.payer_id == user.pk
    is_holder = user is not None and CardHolder.objects.filter(user=user, card=renewal.card_id).exists()
    has_link = order.number in _opened(request, _ORDERS_KEY, now=now)
    is_opened = _is_opened(request, renewal.card_id, now=now)
    friend = friend_of(order)
    is_of_card = (is_holder or is_opened) and not (friend is not None and friend.is_giver)
    if not (is_payer or has_link or is_of_card):
        raise Http404
    sees_card = is_holder or is_opened or friend is None
    return OrderAccess(order=order, paid_for=renewal, user=user, sees_card=sees_card)


def opened_orders(request: HttpRequest, *, now: datetime) -> list[str]:
    """The numbers of the orders that are open in this browser, since it placed them or followed their links."""
    return list(_opened(request, _ORDERS_KEY, now=now))


def opened_until(request: HttpRequest, card_id: int, *, now: datetime) -> datetime:
    """Until when a card that its PIN has opened is open in this browser; `now` if it is not."""
    until = _opened(request, _SESSION_KEY, now=now).get(str(card_id))
    return now if until is None else datetime.fromtimestamp(until, UTC)


def _is_opened(request: HttpRequest, card_id: int, *, now: datetime) -> bool:
    return str(card_id) in _opened(request, _SESSION_KEY, now=now)


def _opened(request: HttpRequest, key: str, *, now: datetime) -> dict[str, float]:
    """The cards or orders that are open in this browser, and until when."""
    opened: dict[str, float] = request.session.get(key, {})
    return {name: until for name, until in opened.items() if until > now.timestamp()}
