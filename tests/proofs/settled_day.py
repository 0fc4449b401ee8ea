# SPDX-License-Identifier: Apache-2.0
"""A day of sales by every method, what each provider's file says of it, and where both were made to differ.

The rows are written as they are when all is over; the files are written by the simulators' own writers.
"""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.alipay import AlipayProvider
from tsuzuku.payments.adapters.alipay import SimulatedAccount as AlipayAccount
from tsuzuku.payments.adapters.komoju import KomojuProvider
from tsuzuku.payments.adapters.komoju import SimulatedAccount as KomojuAccount
from tsuzuku.payments.adapters.paypal import PayPalProvider
from tsuzuku.payments.adapters.paypal import SimulatedAccount as PayPalAccount
from tsuzuku.payments.adapters.sandbox import SandboxProvider
from tsuzuku.payments.adapters.stripe import SimulatedAccount, StripeProvider
from tsuzuku.payments.adapters.wechat_pay import SimulatedAccount as WeChatPayAccount
from tsuzuku.payments.adapters.wechat_pay import WeChatPayProvider
from tsuzuku.payments.ports import PaymentProvider, SettlementKind, SettlementLine
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.simulators import provider_settlement as sandbox
from tsuzuku.testing.simulators.alipay import bill as alipay
from tsuzuku.testing.simulators.komoju import report as komoju
from tsuzuku.testing.simulators.paypal import report as paypal
from tsuzuku.testing.simulators.settlements import fee_minor
from tsuzuku.testing.simulators.stripe import settlement as stripe
from tsuzuku.testing.simulators.wechat_pay import bill as wechat_pay

if TYPE_CHECKING:
    from tsuzuku.payments.models import Capture, Refund

TOKYO = ZoneInfo("Asia/Tokyo")
PRICES = {"GB-1-3D": 300, "GB-3-7D": 1180, "GB-10-30D": 3000}
CHANNELS = ("web", "web", "web", "kiosk", "counter")
_REFUNDED = 0.06
_CARDS = 50


#: Adapters read files without knowing their provider's address.
NOWHERE = Path("nowhere")


class Door(NamedTuple):
    """A provider, the methods that it takes, and how its file is written."""

    methods: Sequence[str]
    adapter: PaymentProvider
    write: Callable[[Sequence[SettlementLine]], bytes]
    has_disputes: bool = True
    has_currencies: bool = True


DOORS: Mapping[str, Door] = {
    "sandbox": Door(("sandbox",), SandboxProvider(NOWHERE), sandbox.write),
    "stripe": Door(
        ("card", "apple_pay", "konbini", "alipay", "wechat_pay", "paypay"),
        StripeProvider(SimulatedAccount(NOWHERE)),
        stripe.write,
    ),
    "paypal": Door(("paypal",), PayPalProvider(PayPalAccount(NOWHERE)), paypal.write),
    "komoju": Door(("seven_eleven",), KomojuProvider(KomojuAccount(NOWHERE)), komoju.write),
    "wechat_pay": Door(
        ("wechat_pay",),
        WeChatPayProvider(WeChatPayAccount(NOWHERE, notify_url="")),
        wechat_pay.write,
        has_disputes=False,
    ),
    # A bill is in one currency throughout.
    "alipay": Door(
        ("alipay",),
        AlipayProvider(AlipayAccount(NOWHERE, notify_url="")),
        alipay.write,
        has_disputes=False,
        has_currencies=False,
    ),
}


@contextmanager
def open_doors() -> Iterator[None]:
    """Has every provider's adapter at hand."""
    with ExitStack() as stack:
        for name, door in DOORS.items():
            stack.enter_context(using_provider(name, door.adapter))
        yield


class Planted(NamedTuple):
    """A difference as reconciliation must find it: whose, which kind, and what it is called."""

    provider: str
    kind: str
    reference: str


@dataclass
class SettledDay:
    """What came of the day."""

    files: dict[str, bytes] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    #: Booked after midnight: no difference.
    on_another_day: list[Planted] = field(default_factory=list)
    fees: dict[str, int] = field(default_factory=dict)
    #: By channel, provider and method, plan: how many orders, what they cost, and what of it went back.
    sales: dict[tuple[str, str, str], tuple[int, int, int]] = field(default_factory=dict)


def make_day(*, orders: int, day: date, seed: int) -> SettledDay:
    """Writes a day of so many paid orders into the database."""
    rng = random.Random(seed)
    made = SettledDay()
    midnight = datetime.combine(day, time.min, tzinfo=TOKYO)
    moments = [midnight + timedelta(seconds=rng.randrange(86_390)) for _ in range(orders)]
    names = list(DOORS)
    by_provider: dict[str, list[datetime]] = {name: [] for name in names}
    for number, moment in enumerate(sorted(moments)):
        by_provider[names[number % len(names)]].append(moment)
    for name, door in DOORS.items():
        captures, refunds = _sell(name, door, by_provider[name], rng, made)
        lines = [*map(_capture_line, captures), *map(_refund_line, refunds)]
        lines = _plant(name, door, captures, refunds, lines, rng, made)
        lines.sort(key=lambda line: line.booked_at)
        made.fees[name] = sum(line.fee.amount_minor for line in _without_repetitions(lines) if line.fee)
        made.files[name] = door.write(lines)
    # The server would take tables for as small as they were before, and join them row by row.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made


# -- our books ---------------------------------------------------------------------------------------------------------


def _sell(
    provider: str, door: Door, moments: Sequence[datetime], rng: random.Random, made: SettledDay
) -> "tuple[list[Capture], list[Refund]]":
    from tsuzuku.orders.models import Order, OrderMove
    from tsuzuku.orders.numbers import new_number
    from tsuzuku.payments.models import Capture, CaptureOutcome, Payment, Refund
    from tsuzuku.renewals.models import Renewal

    cards, plans = _stock()
    sold = [(rng.choice(list(PRICES)), rng.choice(CHANNELS), rng.choice(door.methods)) for _ in moments]
    orders = Order.objects.bulk_create(
        Order(
            number=new_number(),
            channel=channel,
            actor="customer:1",
            email="traveller@example.com",
            language="en",
            amount_minor=PRICES[plan],
            currency="JPY",
            lines=[{"plan": plan, "amount_minor": PRICES[plan]}],
            state="paid",
            created_at=moment - timedelta(minutes=2),
            expires_at=moment + timedelta(hours=2),
        )
        for moment, (plan, channel, _) in zip(moments, sold, strict=True)
    )
    OrderMove.objects.bulk_create(
        OrderMove(order=order, source="awaiting_payment", target="paid", reason="paid", actor="system", at=moment)
        for moment, order in zip(moments, orders, strict=True)
    )
    Renewal.objects.bulk_create(
        Renewal(
            card=rng.choice(cards),
            order=order,
            plan=plans[plan],
            terms_id=plans[plan].terms_now_id,
            actor="customer:1",
            key=order.number,
            inputs_hash="",
            state="active",
            reference=uuid.uuid4(),
            created_at=order.created_at,
        )
        for order, (plan, _, _) in zip(orders, sold, strict=True)
    )
    payments = Payment.objects.bulk_create(
        Payment(
            purpose=order.number,
            provider=provider,
            method=method,
            key=uuid.uuid4(),
            reference=f"{provider}-pay-{order.pk}",
            amount_minor=order.amount_minor,
            currency="JPY",
            state="captured",
            created_at=order.created_at,
        )
        for order, (_, _, method) in zip(orders, sold, strict=True)
    )
    captures = Capture.objects.bulk_create(
        Capture(
            payment=payment,
            provider=provider,
            reference=f"{provider}-cap-{payment.pk}",
            amount_minor=payment.amount_minor,
            currency="JPY",
            outcome=CaptureOutcome.ACCEPTED,
            captured_at=moment,
        )
        for moment, payment in zip(moments, payments, strict=True)
    )
    # Two of them at least are made to differ.
    returned = {each.pk for each in rng.sample(captures[1:-1], max(2, round(len(captures) * _REFUNDED)))}
    refunds = Refund.objects.bulk_create(
        Refund(
            capture=capture,
            key=uuid.uuid4(),
            reference=f"{provider}-ref-{capture.pk}",
            amount_minor=capture.amount_minor,
            reason="activation-refused",
            actor="system",
            state="done",
            requested_at=capture.captured_at,
            done_at=capture.captured_at,
        )
        for capture in captures
        if capture.pk in returned
    )
    for capture, (plan, channel, method) in zip(captures, sold, strict=True):
        key = (channel, f"{provider}:{method}", plan)
        count, amount, back = made.sales.get(key, (0, 0, 0))
        back += capture.amount_minor if capture.pk in returned else 0
        made.sales[key] = (count + 1, amount + capture.amount_minor, back)
    return captures, refunds


def _stock() -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Cards and plans, made once."""
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.factories import make_card, make_plan

    if not Plan.objects.exists():
        for code, price in PRICES.items():
            make_plan(code, price_minor=price)
        for _ in range(_CARDS):
            make_card()
    return list(Card.objects.all()), {plan.code: plan for plan in Plan.objects.all()}


# -- their books -------------------------------------------------------------------------------------------------------


def _capture_line(capture: "Capture") -> SettlementLine:
    return SettlementLine(
        number=0,
        kind=SettlementKind.CAPTURE,
        capture_reference=capture.reference,
        reference=f"ch-{capture.reference}",
        amount=capture.amount,
        fee=Money(fee_minor(capture.amount_minor), "JPY"),
        booked_at=capture.captured_at,
    )


def _refund_line(refund: "Refund") -> SettlementLine:
    assert refund.done_at is not None
    return SettlementLine(
        number=0,
        kind=SettlementKind.REFUND,
        capture_reference=refund.capture.reference,
        reference=refund.reference,
        amount=Money(refund.amount_minor, "JPY"),
        fee=Money(0, "JPY"),
        booked_at=refund.done_at,
    )


def _plant(
    provider: str,
    door: Door,
    captures: "Sequence[Capture]",
    refunds: "Sequence[Refund]",
    lines: list[SettlementLine],
    rng: random.Random,
    made: SettledDay,
) -> list[SettlementLine]:
    """Makes the provider's lines differ from our books in every way, each at captures and refunds of its own."""
    refunded = {refund.capture_id for refund in refunds}
    # The first and the last hold the file's time open.
    quiet = iter(rng.sample([each for each in captures[1:-1] if each.pk not in refunded], 7))
    returned = iter(rng.sample(list(refunds), 2))
    of = {line.reference: line for line in lines}

    def found(kind: str, reference: str) -> None:
        made.planted.append(Planted(provider, kind, reference))

    def line_of(capture: "Capture") -> SettlementLine:
        return of[f"ch-{capture.reference}"]

    def put(line: SettlementLine, **changed: Any) -> None:  # noqa: ANN401  # any field of it
        of[line.reference] = replace(line, **changed)

    gone = next(quiet)
    del of[f"ch-{gone.reference}"]
    found("missing-there", gone.reference)
    gone_refund = next(returned)
    del of[gone_refund.reference]
    found("missing-there", gone_refund.reference)

    stranger = replace(line_of(next(quiet)), capture_reference=f"{provider}-cap-x", reference=f"ch-{provider}-cap-x")
    put(stranger)
    found("missing-here", stranger.capture_reference)

    dear = next(quiet)
    put(line_of(dear), amount=Money(dear.amount_minor + 1, "JPY"))
    found("amount-differs", dear.reference)
    cheap = next(returned)
    put(of[cheap.reference], amount=Money(cheap.amount_minor - 1, "JPY"))
    found("amount-differs", cheap.reference)

    if door.has_currencies:
        foreign = next(quiet)
        put(line_of(foreign), amount=Money(foreign.amount_minor, "USD"), fee=Money(0, "USD"))
        found("currency-differs", foreign.reference)

    by_hand = line_of(next(quiet))
    put(replace(by_hand, kind=SettlementKind.REFUND, reference=f"{provider}-ref-by-hand", fee=Money(0, "JPY")))
    found("refund-by-hand", f"{provider}-ref-by-hand")
    if door.has_disputes:
        disputed = line_of(next(quiet))
        put(replace(disputed, kind=SettlementKind.DISPUTE, reference=f"{provider}-dispute", fee=Money(1500, "JPY")))
        found("dispute-unknown", f"{provider}-dispute")

    twice = line_of(next(quiet))
    found("twice-in-file", twice.capture_reference)

    late = captures[-1]
    midnight = datetime.combine(late.captured_at.astimezone(TOKYO).date(), time.max, tzinfo=TOKYO)
    put(line_of(late), booked_at=(midnight + timedelta(seconds=4)).replace(microsecond=0))
    made.on_another_day.append(Planted(provider, "another-day", late.reference))
    return [*of.values(), twice]


def _without_repetitions(lines: Sequence[SettlementLine]) -> list[SettlementLine]:
    return list({(line.kind, line.reference): line for line in lines}.values())
