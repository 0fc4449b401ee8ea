# SPDX-License-Identifier: Apache-2.0
"""A house with fakes at its doors to the outside, and the verbs in which stories about renewals are told."""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from tsuzuku.allowances.queries import Allowance, card_allowance
from tsuzuku.balances.actions import order_top_up
from tsuzuku.balances.queries import balance_of_user
from tsuzuku.cards.models import Card
from tsuzuku.carriers.registry import using_carrier
from tsuzuku.catalog.mixes import Mix
from tsuzuku.journal.jobs import due_chores
from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.findings import Finding
from tsuzuku.kernel.money import Money
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.orders import audit as orders
from tsuzuku.orders.actions import pay_from_balance
from tsuzuku.orders.models import Order
from tsuzuku.orders.shares import left_to_pay
from tsuzuku.payments import audit as payments
from tsuzuku.payments.actions import start_payment, take_events
from tsuzuku.payments.models import KeptMethodRow, RefundProposal
from tsuzuku.payments.ports import FailureReason, ProviderEvent
from tsuzuku.payments.proposing import propose_refund
from tsuzuku.payments.queries import captures_of, latest_payment
from tsuzuku.payments.registry import using_provider
from tsuzuku.people.models import User
from tsuzuku.renewals import audit as renewals
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.quotes import quote_renewal
from tsuzuku.testing.fakes import FakeCarrier, FakeGateway, FakeProvider

#: A story that is not at rest after this many rounds goes round in circles.
_ROUNDS_MAX = 100


def settle_down() -> None:
    """Runs every chore that is due, again and again, until none is. The clock stays where the story has put it."""
    for _ in range(_ROUNDS_MAX):
        due = due_chores(clock.now())
        if not due:
            return
        for chore in due:
            chore.run()
    raise AssertionError(f"still at work after {_ROUNDS_MAX} rounds")


@dataclass
class House:
    """What a story does and sees. Every verb reads the clock of the story."""

    carrier: FakeCarrier = field(default_factory=FakeCarrier)
    provider: FakeProvider = field(default_factory=FakeProvider)
    gateway: FakeGateway = field(default_factory=FakeGateway)
    sms: FakeGateway = field(default_factory=FakeGateway)
    push: FakeGateway = field(default_factory=FakeGateway)
    #: The name under which its provider is registered.
    sells_by: str = "fake"

    def order(
        self,
        card: Card,
        plan: str,
        *,
        key: str = "k1",
        actor: str = "customer:1",
        payer: User | None = None,
        coupon: str = "",
        mix: Mix | None = None,
    ) -> Order:
        """Orders a renewal as it is quoted now."""
        now = clock.now()
        return order_renewal(
            card=card,
            plan_code=plan,
            digest=quote_renewal(card, plan, channel="web", now=now, payer=payer, coupon=coupon, mix=mix).digest,
            actor=actor,
            key=key,
            payer=payer,
            email=payer.mail_address if payer else "traveller@example.com",
            language=payer.language if payer else "en",
            channel="web",
            now=now,
            coupon=coupon,
            mix=mix,
        )

    def start_payment(self, order: Order, *, method: str = "fake", keep_for: User | None = None) -> str:
        """The provider's reference of the payment; its method is kept if asked. Raises PaymentNotStarted."""
        payment = start_payment(
            purpose=order.number,
            amount=left_to_pay(order),
            provider=self.sells_by,
            method=method,
            description="a plan",
            order_number=order.number,
            return_url=f"http://127.0.0.1/o/{order.number}?back=1",
            cancel_url=f"http://127.0.0.1/o/{order.number}",
            language="en",
            expires_at=order.expires_at,
            keep_for=keep_for,
            now=clock.now(),
        )
        return payment.reference or ""

    def top_up(self, user: User, yen: int, *, key: str = "t1") -> Order:
        """Tops somebody's balance up, paid and booked."""
        order = order_top_up(user=user, amount_minor=yen, key=key, language="en", channel="web", now=clock.now())
        self.pay(order)
        return order

    def keep_method(self, user: User, *, key: str = "kept") -> KeptMethodRow:
        """Has somebody pay ¥500 into their balance by a method that is kept."""
        order = order_top_up(user=user, amount_minor=500, key=key, language="en", channel="web", now=clock.now())
        self.deliver(*self.provider.pay(self.start_payment(order, keep_for=user)))
        settle_down()
        return KeptMethodRow.objects.filter(owner=user).latest("pk")

    def hear_charges(self) -> None:
        """Delivers what became of charges of kept methods, and lets the house do its work."""
        while self.provider.untold:
            self.deliver(self.provider.untold.popleft())
        settle_down()

    def use_balance(self, order: Order, payer: User, *, shown: int = 0) -> int:
        """Has the payer's balance pay what it covers; returns the yen that are left to pay."""
        shown_money = Money(shown, "JPY")
        return pay_from_balance(number=order.number, payer=payer, shown=shown_money, now=clock.now()).amount_minor

    def balance(self, user: User) -> int:
        """The yen that somebody can spend."""
        return balance_of_user(user, now=clock.now()).amount_minor

    def pay(self, order: Order, *, times: int = 1, amount: Money | None = None) -> None:
        """Starts a payment, pays it, delivers the webhook, and lets the house do its work."""
        reference = self.start_payment(order)
        self.deliver(*self.provider.pay(reference, times=times, amount=amount))
        settle_down()

    def decline(self, order: Order, reason: FailureReason) -> None:
        """Starts a payment that the payer's bank declines, and delivers the webhook."""
        self.deliver(self.provider.decline(self.start_payment(order), reason))

    def give_back(
        self, order: Order, *, amount_minor: int | None = None, actor: str = "staff:1", reason: str = "no signal"
    ) -> RefundProposal:
        """Somebody proposes to give a part of an order's first payment back, or all that is left of it."""
        capture = captures_of(order.number)[0]
        proposal = propose_refund(
            capture_id=capture.pk,
            amount_minor=amount_minor,
            reason=reason,
            actor=actor,
            key=uuid.uuid4(),
            now=clock.now(),
        )
        settle_down()
        return proposal

    def end_refunds(self) -> None:
        """The provider gives back what it has accepted to give back, and says so."""
        self.deliver(*(self.provider.finish_refund(key) for key in self.provider.refunds_under_way()))
        settle_down()

    def deliver(self, *events: ProviderEvent) -> None:
        """Hands over what the provider's webhook told."""
        take_events(provider=self.sells_by, events=events, now=clock.now())

    def settle_down(self) -> None:
        """Lets everything in the background be done."""
        settle_down()

    def payment_reference(self, order: Order) -> str:
        """What the provider calls the order's newest payment."""
        payment = latest_payment(order.number)
        if payment is None or payment.reference is None:
            raise LookupError(f"no payment was started for order {order.number}")
        return payment.reference

    def allowance(self, card: Card) -> Allowance:
        """What the card holds now."""
        return card_allowance(card.pk, now=clock.now())

    def renewal(self, order: Order) -> Renewal:
        """What the order pays for, as it stands."""
        return Renewal.objects.get(order=order)

    def facts(self) -> list[str]:
        """The kinds of everything that happened, in order."""
        return list(Fact.objects.order_by("pk").values_list("kind", flat=True))

    def findings(self) -> list[Finding]:
        """What does not add up of money, orders and renewals."""
        return [finding for audit in (payments, orders, renewals) for finding in audit.findings()]

    def subjects(self) -> list[str]:
        """The subjects of the mails that went out, in order."""
        return [kept.message.subject for kept in self.gateway.sent]


@contextmanager
def open_house() -> Iterator[House]:
    """A house with its fakes in the places of the real ones."""
    house = House()
    with (
        using_carrier("sandbox", house.carrier),
        using_provider("fake", house.provider),
        using_gateway(AddressKind.EMAIL, house.gateway),
        using_gateway(AddressKind.SMS, house.sms),
        using_gateway(AddressKind.PUSH, house.push),
    ):
        yield house


class Story:
    """The clock of a story: `with story.after(hours=3):` is three hours after it began."""

    def __init__(self) -> None:
        self.start = clock.now()

    def after(self, **span: float) -> AbstractContextManager[None]:
        """The clock so much later than the beginning."""
        return clock.travel_to(self.start + timedelta(**span))
