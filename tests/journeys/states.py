# SPDX-License-Identifier: Apache-2.0
"""Puts a demo into every state that has a page of its own, so that nobody has to click through a sale to see its end.

Runs in a process that has the demo's environment, once Django is set up.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from tests.journeys.pages import EMAIL, PASSWORD, PIN
from tests.unit.channels.web.passkey_device import Device
from tsuzuku.cards.actions import add_card, block_card, hold_card
from tsuzuku.cards.friend_links import friend_link_token, make_friend_link
from tsuzuku.cards.models import Blocked, Card, CardKind
from tsuzuku.carriers.registry import using_carrier
from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.web import CHANNEL
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.kernel.money import Money
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.new_cards.actions import order_new_card
from tsuzuku.new_cards.offers import quote_new
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order
from tsuzuku.orders.payers import Came, Friend
from tsuzuku.payments.actions import start_payment
from tsuzuku.payments.ports import FailureReason
from tsuzuku.payments.registry import using_provider
from tsuzuku.people.models import User
from tsuzuku.people.passkeys import keep_passkey
from tsuzuku.people.phones import set_phone
from tsuzuku.reminders.links import link_token, unsubscribe_link
from tsuzuku.reminders.models import Reminder
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.renewals.automatic import stop_token, switch_on
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.quotes import quote_renewal
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, settle_down
from tsuzuku.usage.actions import take_readings
from tsuzuku.usage.reading_lines import Reading

MB, GB = 1_000_000, 1_000_000_000
#: A plan sold, by its code, or so many bytes used; and how many days ago.
Event = tuple[str | int, float]


class Preparation:
    """One customer with cards and orders in all states. What it makes has a name, which the table of pages uses."""

    def __init__(self, house: House) -> None:
        self.house, self.now = house, clock.now()
        self.names: dict[str, str] = {}
        self.user = User.objects.create_user(EMAIL, PASSWORD, display_name="陈行")
        set_phone(user=self.user, phone="+819055550101", now=self.now)
        EmailAddress.objects.create(user=self.user, email=EMAIL, verified=True, primary=True)
        #: What each card is called here, by its id.
        self._named: dict[int, str] = {}

    def card(self, name: str, past: Sequence[Event] = (), *, is_held: bool = True, calls: str = "") -> Card:
        """A card with its past, oldest first."""
        body = f"898110202699{len(self._named) + 1:06d}"
        with clock.travel_to(self.now - timedelta(days=60)):
            card = add_card(
                iccid=Iccid(body + luhn_digit(body)),
                kind=CardKind.SIM,
                carrier="sandbox",
                pin=PIN,
                last_use_date=None,
                now=clock.now(),
            )
            self._named[card.pk] = name
            if is_held:
                hold_card(user=self.user, card=card, name=calls, now=clock.now())
        for step, (event, days_ago) in enumerate(past, start=1):
            with clock.travel_to(self.now - timedelta(days=days_ago)):
                if isinstance(event, int):
                    used = Reading(Iccid(card.iccid), f"walk-{step}", LotKind.DATA, event, clock.now())
                    take_readings(readings=[used], actor="carrier:sandbox", card_groups=None, now=clock.now())
                else:
                    self.house.pay(self.order(card, event))
        settle_down()
        self.names[name], self.names[f"{name}_number"] = card.public_token, card.iccid
        return card

    def order(self, card: Card, plan: str = "GB-1-3D", *, name: str = "") -> Order:
        """An order of the customer, which is not paid yet."""
        order = self.house.order(
            card, plan, key=f"walk-{Order.objects.count()}", payer=self.user, actor=f"customer:{self.user.pk}"
        )
        if name:
            self.names[name] = order.number
        return order

    def cards(self) -> None:
        """What a card can be."""
        self.card("new")
        low: list[Event] = [("GB-1-3D", 1.6), (960 * MB, 0.2)]
        self.card("low", low, calls="我的手机")
        for name in ("slow_with_script", "slow_without_script"):
            self.card(name, low)
        self.house.pay(self.order(self.card("renewed_since", low)))
        steps = [(300, 18), (450, 15), (250, 14), (500, 9), (400, 6)]
        overlapping: list[Event] = [
            ("GB-3-30D", 20),
            *((mb * MB, day) for mb, day in steps),
            ("GB-20-30D", 3),
            ("DAY-3", 1),
        ]
        self.card("overlapping", overlapping, calls="妈妈的手机")
        self.card("throttled", [("DAY-7", 2), (2_600 * MB, 0)])
        self.card("used_up", [("ROLL-5-30D", 9), (5 * GB, 0.5)])
        self.card("waits_for_tap", [("GB-1-7D-X", 5), ("UNL-24H", 1)])
        self.card("waits_for_use", [("ASIA-5-15D", 2)])
        self._is_shared(Card.objects.get(public_token=self.names["used_up"]))
        self.card("expired", [("ROLL-5-30D", 30.8), (3 * GB, 4)])
        self.card("voice", [("VOICE-3-30D", 4), (GB, 1)])
        block_card(card=self.card("suspended", [("GB-3-30D", 2)]), blocked=Blocked.SUSPENDED)
        past = self.card("past_last_date")
        Card.objects.filter(pk=past.pk).update(last_use_date=(self.now - timedelta(days=40)).date())
        self.card("not_held", [("GB-3-30D", 2)], is_held=False)
        self._renews_itself(self.card("automatic", [("GB-3-30D", 2)]))

    def _is_shared(self, card: Card) -> None:
        link = make_friend_link(card=card, user=self.user, shown_name="陈行", days=7, now=self.now)
        self.names["friend_link"] = friend_link_token(link.pk)

    def _renews_itself(self, card: Card) -> None:
        self.house.keep_method(self.user)
        price = quote_renewal(card, "GB-3-30D", channel="web", now=self.now, payer=self.user).price.amount_minor
        row = switch_on(
            card=card,
            user=self.user,
            plan_code="GB-3-30D",
            method_id=None,
            shown_minor=price,
            language="en",
            now=self.now,
        )
        self.names["stop"] = stop_token(row)

    def orders(self) -> None:
        """What an order can be, each for a card of its own."""
        self.order(self.card("to_pay_card"), "GB-3-30D", name="to_pay")
        self.house.decline(self.order(self.card("declined_card"), name="declined"), FailureReason.LIMIT)
        with clock.travel_to(self.now - timedelta(days=3)):
            self.order(self.card("late_card"), name="run_out")
        cancelled = self.order(self.card("cancelled_card"), name="cancelled")
        cancel_renewal(number=cancelled.number, actor=f"customer:{self.user.pk}", now=self.now)
        held = self.order(self.card("held_card"), name="held")
        self.house.pay(held, amount=Money(held.amount_minor - 90, held.currency))
        self.house.pay(self.order(self.card("active_card"), "GB-3-30D", name="active"))
        self.house.pay(self.order(self.card("twice_card"), name="twice"), times=2)
        returned = self.order(self.card("returned_card"), name="returned")
        self.house.pay(returned)
        self.house.give_back(returned, amount_minor=100)
        self.house.end_refunds()
        self.house.carrier.script.add(Outcome.REFUSED)
        self.house.pay(self.order(self.card("withdrawn_card"), name="withdrawn"))
        self.house.carrier.is_down = True
        activating = self.order(self.card("activating_card"), name="activating")
        self.house.pay(activating)
        self.house.carrier.is_down = False
        # The demo's own carrier would switch it on within seconds.
        Renewal.objects.filter(order=activating).update(next_attempt_at=self.now + timedelta(days=1))

    def balance(self) -> None:
        """One in two parts, of which one ends soon."""
        for key, days_ago, yen in (("old", 165, 1_000), ("new", 5, 3_000)):
            with clock.travel_to(self.now - timedelta(days=days_ago)):
                self.names["top_up"] = self.house.top_up(self.user, yen, key=key).number

    def new_cards(self) -> None:
        """Two eSIMs: one to be paid, and one to be installed."""
        ordered = []
        for name in ("esim_to_pay", "esim_ready"):
            quote = quote_new("TRIP-3-8D", channel=CHANNEL, now=self.now, payer=self.user)
            order = order_new_card(
                user=self.user,
                plan_code="TRIP-3-8D",
                digest=quote.digest,
                key=name,
                email=EMAIL,
                language="en",
                channel=CHANNEL,
                now=self.now,
            )
            self.names[name] = order.number
            ordered.append(order)
        self.house.pay(ordered[-1])

    def reminders(self) -> None:
        """The links of what the customer was told."""
        told = Reminder.objects.filter(user=self.user, card__isnull=False, ended_at__isnull=False)
        self.names |= {f"remind_{self._named[each.card_id]}": link_token(each.pk) for each in told if each.card_id}
        used_up = Card.objects.get(public_token=self.names["used_up"])
        friends = self.house.order(used_up, "GB-1-3D", actor=Friend(Came.REMINDER, told[0].pk).actor)
        self.names["friend_order"], self.names["friend_key"] = friends.number, order_link(friends).rpartition("/")[2]
        self.names["unsubscribe"] = unsubscribe_link(self.user).rpartition("/")[2]

    def forgetful(self) -> None:
        """People who have forgotten their password, one for each language."""
        for language, _name in settings.LANGUAGES:
            user = User.objects.create_user(f"forgot-{language}@example.com", None, language=language)
            EmailAddress.objects.create(user=user, email=user.email or "", verified=True, primary=True)

    def passkeys(self) -> None:
        """One that was made on a phone; nobody logs in with it here."""
        made = json.loads(Device().make({"publicKey": {"user": {"id": ""}, "challenge": ""}}))
        passkey = keep_passkey(user=self.user, name="Chrome, Android", credential=made)
        self.names["passkey"] = str(passkey.pk)


def prepare() -> dict[str, str]:
    """Makes all of it or nothing, so that the demo's worker sees only what is at rest."""
    # Not by the provider that the demo's own past was paid with: both doubles count from one.
    house = House(sells_by="komoju")
    with ExitStack() as places, transaction.atomic():
        places.enter_context(using_carrier("sandbox", house.carrier))
        places.enter_context(using_provider(house.sells_by, house.provider))
        for kind, gateway in (
            (AddressKind.EMAIL, house.gateway),
            (AddressKind.SMS, house.sms),
            (AddressKind.PUSH, house.push),
        ):
            places.enter_context(using_gateway(kind, gateway))
        preparation = Preparation(house)
        preparation.cards()
        preparation.orders()
        preparation.balance()
        preparation.new_cards()
        preparation.passkeys()
        preparation.forgetful()
        settle_down()
        preparation.reminders()
    # In earnest, since who pays at a store or by a code is shown what the provider told.
    for name, provider, method in (("store", "stripe", "konbini"), ("code", "wechat_pay", "wechat_pay")):
        order = preparation.order(preparation.card(f"{name}_card"), "GB-3-30D", name=name)
        _start_payment(order, provider, method)
    return preparation.names


def _start_payment(order: Order, provider: str, method: str) -> None:
    start_payment(
        purpose=order.number,
        amount=order.price,
        provider=provider,
        method=method,
        description="a plan",
        order_number=order.number,
        return_url=order_link(order),
        cancel_url=order_link(order),
        language="en",
        expires_at=order.expires_at,
        payer_email=EMAIL,
        now=clock.now(),
    )


def print_states() -> None:
    """Makes them, and prints as JSON what the addresses of their pages need, each under a name."""
    json.dump(prepare(), sys.stdout)
