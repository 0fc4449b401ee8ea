# SPDX-License-Identifier: Apache-2.0
"""The demo's brand: plans of the Japanese market, and customers whose cards are in every interesting state.

Everything is sold through the actions that sell in earnest, on days of the past, with fakes in the places of provider
and carrier; from then on the demo runs against the sandboxes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from tsuzuku.cards.actions import add_card, block_card, hold_card
from tsuzuku.cards.models import Blocked, Card, CardKind
from tsuzuku.carriers.registry import using_carrier
from tsuzuku.catalog.actions import import_plans
from tsuzuku.catalog.plan_file import parse_plans
from tsuzuku.catalog.promotion_import import import_promotions
from tsuzuku.catalog.rates import import_rates
from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.kernel.money import Money
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.new_cards.actions import order_new_card
from tsuzuku.new_cards.addresses import read_address
from tsuzuku.new_cards.offers import quote_new
from tsuzuku.new_cards.shelf import put_up
from tsuzuku.payments.registry import using_provider
from tsuzuku.people.models import User
from tsuzuku.people.second_factor import set_up_second_factor
from tsuzuku.people.staff import add_staff
from tsuzuku.project.demo_factor import FACTOR_KEY
from tsuzuku.testing.house import House
from tsuzuku.usage.actions import take_readings
from tsuzuku.usage.reading_lines import Reading

MB, GB = 1_000_000, 1_000_000_000
PASSWORD = "tsuzuku-demo"  # noqa: S105  # printed for everybody to see; the demo listens on this machine only
PIN = "2468"
#: One of the coupons of the demo's promotions.
COUPON = "WELCOME-2027"


@dataclass(frozen=True)
class Sold:
    """A plan sold so many days ago."""

    plan: str
    days_ago: float


@dataclass(frozen=True)
class Drawn:
    """Data used so many days ago."""

    amount: int
    days_ago: float


@dataclass(frozen=True)
class DemoCard:
    """A card of the demo: what it shows, whose it is, and its past, oldest first."""

    shows: str
    holder: str | None
    name: str
    past: Sequence[Sold | Drawn] = ()
    kind: CardKind = CardKind.SIM
    blocked: Blocked = Blocked.NO
    last_use_date: date | None = None


@dataclass(frozen=True)
class Customer:
    """Somebody who can log in to the demo."""

    email: str
    display_name: str
    language: str


CUSTOMERS = (
    Customer("mei@example.com", "陈梅", "zh-hans"),
    Customer("alex@example.com", "Alex Morgan", "en"),
)

#: The staff by address, with what they are called and their role.
STAFF = (
    ("support@example.com", "Sora", "support"),
    ("finance@example.com", "Fumi", "finance"),
    ("manager@example.com", "Mika", "manager"),
)

#: New eSIMs on the shelf, in a group that has plans of its own.
NEW_ESIMS = 20
#: SIM cards beside them, to be posted; one is sold already.
NEW_SIMS = 6
NEW_CARDS_GROUP = "visitor"
_FIRST_NEW_CARD = 1_000

#: The place of the card that was never used among the demo's cards.
UNUSED_CARD = 9

_MEI, _ALEX = (customer.email for customer in CUSTOMERS)


def demo_cards(today: date) -> list[DemoCard]:
    """The cards of the demo; the first is the one to try."""
    return [
        DemoCard("40 MB left of 1 GB", _MEI, "我的手机", [Sold("GB-1-3D", 1.6), Drawn(960 * MB, 0.2)]),
        DemoCard(
            "two plans that overlap, and one that follows",
            _MEI,
            "妈妈的手机",
            [
                Sold("GB-3-30D", 20),
                *(Drawn(amount * MB, day) for amount, day in [(300, 18), (450, 15), (250, 14), (500, 9), (400, 6)]),
                Sold("GB-20-30D", 3),
                Sold("DAY-3", 1),
            ],
            kind=CardKind.ESIM,
        ),
        DemoCard("today's high-speed data is used", _MEI, "平板", [Sold("DAY-7", 2), Drawn(2_600 * MB, 0)]),
        DemoCard("all used up, days left", _ALEX, "Phone", [Sold("ROLL-5-30D", 9), Drawn(5 * GB, 0.5)]),
        DemoCard("a plan that waits for a tap", _ALEX, "Spare", [Sold("GB-1-7D-X", 5), Sold("UNL-24H", 1)]),
        DemoCard("a plan that waits for its first use", _ALEX, "Kids", [Sold("ASIA-5-15D", 2)], kind=CardKind.ESIM),
        DemoCard("expired yesterday with data left", _ALEX, "Router", [Sold("ROLL-5-30D", 30.8), Drawn(3 * GB, 4)]),
        DemoCard("data, international minutes and messages", None, "", [Sold("VOICE-3-30D", 4), Drawn(GB, 1)]),
        DemoCard("never used", None, ""),
        DemoCard("suspended", None, "", [Sold("GB-3-30D", 2)], blocked=Blocked.SUSPENDED),
        DemoCard("past its last date of use", None, "", last_use_date=today - timedelta(days=40)),
    ]


def demo_iccid(number: int) -> Iccid:
    """The ICCID of the demo's n-th card; a made-up number of a Japanese issuer."""
    body = f"898110202611{number:06d}"
    return Iccid(body + luhn_digit(body))


def make_demo(*, on_progress: Callable[[str], None]) -> None:
    """Fills an empty database. All or nothing: a demo that was interrupted starts its filling anew."""
    now = clock.now()
    # By the name of the provider that is there afterwards, so that a refund of the past is refused and not unheard of.
    house = House(sells_by="sandbox")
    with (
        transaction.atomic(),
        using_carrier("sandbox", house.carrier),
        using_provider(house.sells_by, house.provider),
        using_gateway(AddressKind.EMAIL, house.gateway),
        using_gateway(AddressKind.SMS, house.sms),
        using_gateway(AddressKind.PUSH, house.push),
    ):
        _import_plans()
        users = {customer.email: _make_customer(customer) for customer in CUSTOMERS}
        for number, demo_card in enumerate(demo_cards(now.date()), start=1):
            on_progress(demo_card.shows)
            _make_card(house, demo_card, number, users.get(demo_card.holder or ""))
        _make_held_order(house)
        _fill_shelf()
        # Not where the demo's operator posts to other countries only.
        if "HK" in settings.POSTAGE_YEN:
            _make_parcel(house, users[_ALEX])
        for email, display_name, role in STAFF:
            _make_staff(email, display_name, role)
        import_promotions(text=resources.files("tsuzuku.testing").joinpath("data/promotions.json").read_bytes())
        import_rates(text=resources.files("tsuzuku.testing").joinpath("data/rates.csv").read_bytes(), now=now)
        _top_up(house, users[_MEI])


def _top_up(house: House, user: User) -> None:
    """A balance in two parts, of which one ends soon."""
    now = clock.now()
    with clock.travel_to(now - timedelta(days=165)):
        house.top_up(user, 1_000, key="demo-1")
    with clock.travel_to(now - timedelta(days=5)):
        house.top_up(user, 3_000, key="demo-2")


def is_made() -> bool:
    """Whether the database has been filled already."""
    return Card.objects.filter(iccid=demo_iccid(1)).exists()


def _import_plans() -> None:
    """Listed a year ago, so that the past could buy them."""
    with clock.travel_to(clock.now() - timedelta(days=365)):
        for name in ("plans.json", "new_card_plans.json"):
            text = resources.files("tsuzuku.testing").joinpath(f"data/{name}").read_bytes()
            import_plans(parsed=parse_plans(text, known_codes=()), now=clock.now())


def _fill_shelf() -> None:
    """New cards that the website sells."""
    now = clock.now()
    for number in range(1, NEW_ESIMS + NEW_SIMS + 1):
        iccid, is_esim = demo_iccid(_FIRST_NEW_CARD + number), number <= NEW_ESIMS
        add_card(
            iccid=iccid,
            kind=CardKind.ESIM if is_esim else CardKind.SIM,
            carrier="sandbox",
            pin=PIN,
            activation_code=f"LPA:1$smdp.tsuzuku.example$DEMO-{iccid[-7:]}" if is_esim else None,
            last_use_date=now.date() + timedelta(days=400),
            group=NEW_CARDS_GROUP,
            now=now,
        )
    put_up(group=NEW_CARDS_GROUP, now=now)


def _make_parcel(house: House, user: User) -> None:
    """Somebody has bought a SIM card by post, which waits in the console to be packed."""
    typed = {
        "region": "九龍",
        "district": "旺角",
        "street": "彌敦道 700 號",
        "building": "示範大廈",
        "flat": "12 樓 B 室",
        "name": "Alex Morgan",
        "phone": "5123 4567",
    }
    with clock.travel_to(clock.now() - timedelta(hours=5)):
        now = clock.now()
        quote = quote_new("TRIP-3-8D", channel="web", now=now, payer=user, country="HK")
        order = order_new_card(
            user=user,
            plan_code="TRIP-3-8D",
            digest=quote.digest,
            key="demo-parcel",
            email=user.mail_address,
            language=user.language,
            channel="web",
            now=now,
            address=read_address("HK", typed),
        )
        house.pay(order)


def _make_customer(customer: Customer) -> User:
    user = User.objects.create_user(
        customer.email, PASSWORD, display_name=customer.display_name, language=customer.language
    )
    EmailAddress.objects.create(user=user, email=customer.email, verified=True, primary=True)
    return user


def _make_held_order(house: House) -> None:
    """Somebody paid another amount than the price, which waits for a person in the console."""
    card = Card.objects.get(iccid=demo_iccid(UNUSED_CARD))
    with clock.travel_to(clock.now() - timedelta(hours=1)):
        order = house.order(card, "GB-3-30D", key="demo-held")
        house.pay(order, amount=Money(order.amount_minor - 90, order.currency))


def _make_staff(email: str, display_name: str, role: str) -> None:
    """A member of staff who has chosen a password and set up a second factor."""
    user = add_staff(email=email, role=role, actor="operator", now=clock.now())
    user.display_name = display_name
    user.set_password(PASSWORD)
    user.save(update_fields=["display_name", "password"])
    set_up_second_factor(user, FACTOR_KEY)


def _make_card(house: House, demo_card: DemoCard, number: int, holder: User | None) -> None:
    now = clock.now()
    with clock.travel_to(now - timedelta(days=60)):
        card = add_card(
            iccid=demo_iccid(number),
            kind=demo_card.kind,
            carrier="sandbox",
            pin=PIN,
            last_use_date=demo_card.last_use_date or now.date() + timedelta(days=400),
            now=clock.now(),
        )
        if holder is not None:
            hold_card(user=holder, card=card, name=demo_card.name, now=clock.now())
    for step, event in enumerate(demo_card.past, start=1):
        with clock.travel_to(now - timedelta(days=event.days_ago)):
            if isinstance(event, Drawn):
                used = Reading(card.iccid, f"demo-{step}", LotKind.DATA, event.amount, clock.now())
                take_readings(readings=[used], actor="carrier:sandbox", card_groups=None, now=clock.now())
            else:
                house.pay(house.order(card, event.plan, key=f"demo-{step}", payer=holder))
    if demo_card.blocked:
        block_card(card=card, blocked=demo_card.blocked)
