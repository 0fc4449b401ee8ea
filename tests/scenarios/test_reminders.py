# SPDX-License-Identifier: Apache-2.0
"""Forty days of a card's life, and what its holders hear of it: the exact list, nothing twice, nothing at night."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from tsuzuku.cards.actions import block_card, hold_card, release_card
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.journal.actions import deliver_facts
from tsuzuku.journal.chores import chore
from tsuzuku.journal.listeners import listeners
from tsuzuku.kernel import clock
from tsuzuku.messaging.actions import send_due_messages
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User
from tsuzuku.reminders import rules, watching
from tsuzuku.reminders.actions import add_push_device, save_preferences, stop_mails
from tsuzuku.reminders.models import Preferences, Reminder, Watch
from tsuzuku.reminders.queries import inbox_of
from tsuzuku.reminders.rules import Kind, Situation
from tsuzuku.reminders.states import FORGOTTEN, PASSED, TOLD
from tsuzuku.reminders.telling import tell_reminders
from tsuzuku.reminders.watching import look_at_cards, touch
from tsuzuku.renewals.automatic import quote_automatic, switch_on
from tsuzuku.testing.factories import make_card, make_customer, make_plan, use_data
from tsuzuku.testing.fakes import FakeGateway
from tsuzuku.testing.house import House, open_house

#: 10:00 in Japan.
START = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)
JAPAN, CHINA = ZoneInfo("Asia/Tokyo"), ZoneInfo("Asia/Shanghai")
WEEK, MONTH = "GB-5-7D", "GB-10-30D"
GB = 10**9
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
#: A point of the curve, and no one's key.
POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
#: Its key is a point of the curve, and no one's.
SUBSCRIPTION = (
    '{"endpoint": "https://push.example/one", "keys": {"p256dh": '
    '"BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",'
    ' "auth": "AAAAAAAAAAAAAAAAAAAAAA"}}'
)


class Life:
    """A card of Mei's, which her uncle Bo looks after too, told from one moment that matters to the next."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.times = 1
        make_plan(WEEK, data_bytes=5 * GB, days=7, price_minor=1_000)
        make_plan(MONTH, data_bytes=10 * GB, days=30, price_minor=3_000)
        self.mei = make_customer()
        self.bo = make_customer("bo@example.com", language="zh-hans")
        Preferences.objects.create(user=self.bo, quiet_from=time(18), quiet_until=time(11), zone="Asia/Shanghai")
        self.card: Card = make_card()
        with clock.travel_to(START):
            hold_card(user=self.mei, card=self.card, name="Mei’s phone", now=clock.now())
            hold_card(user=self.bo, card=self.card, name="", now=clock.now())

    def live(self, events: Mapping[timedelta, Callable[[], object]], *, until: timedelta) -> None:
        """Lets time go by: stops at every event, and at every moment for which something waits."""
        moments = {START + after: event for after, event in events.items()}
        now: datetime | None = min(moments, default=START)
        while now is not None and now <= START + until:
            with clock.travel_to(now):
                if now in moments:
                    moments.pop(now)()
                for _ in range(self.times):
                    self.work()
            now = min(
                (moment for moment in [*moments, *waiting(Watch), *waiting(Reminder)] if moment > now), default=None
            )

    def work(self) -> None:
        """Everything of the background that has to do with reminders."""
        for each in listeners():
            if each.name.startswith("reminders"):
                deliver_facts(listener_name=each.name)
        look_at_cards()
        tell_reminders()
        send_due_messages()

    def renew(self, plan: str) -> Callable[[], object]:
        return lambda: self.house.pay(self.house.order(self.card, plan, key=f"{clock.now()}", payer=self.mei))

    def use(self, amount: int) -> Callable[[], object]:
        return lambda: use_data(self.card, amount)

    def heard(self, address: str | None, zone: ZoneInfo, gateway: FakeGateway | None = None) -> list[tuple[str, str]]:
        """When somebody was reminded, on their clocks, and of what."""
        sent = (gateway or self.house.gateway).sent
        return [
            (f"{kept.sent_at.astimezone(zone):%d %H:%M}", kept.message.subject or kept.message.text.splitlines()[0])
            for kept in sent
            if kept.message.address == address and "order" not in kept.message.subject
        ]

    def inbox(self, user: User) -> list[str]:
        told = Reminder.objects.filter(user=user, state=TOLD).order_by("ended_at", "pk")
        return [each.kind for each in told]


def waiting(model: type[Watch] | type[Reminder]) -> list[datetime]:
    found = model._default_manager.exclude(next_attempt_at=None).values_list("next_attempt_at", flat=True)
    return [at for at in found if at is not None]


@pytest.fixture
def life(house: House) -> Life:
    return Life(house)


MEI = [
    ("03 15:00", "Mei’s phone has 1 GB left"),
    ("05 10:00", "Mei’s phone is online for 3 days more"),
    ("07 10:00", "Mei’s phone is online for 1 day more"),
    ("08 08:00", "Mei’s phone is online for 2 hours more"),
    ("11 08:00", "The data of Mei’s phone is used up"),
    ("15 10:00", "Mei’s phone is online for 3 days more"),
    ("19 13:00", "Mei’s phone is online for 3 days more"),
    ("21 13:00", "Mei’s phone is online for 1 day more"),
    ("22 10:00", "Mei’s phone is online for 3 hours more"),
    ("02 10:00", "Mei’s phone is online for 3 days more"),
    ("07 10:00", "Mei’s phone is online for 3 days more"),
    ("09 10:00", "Mei’s phone is online for 1 day more"),
    ("10 08:00", "Mei’s phone is online for 2 hours more"),
]
#: Of ends at 10:00 in Japan nothing is said on their day: Bo's quiet hours last longer. Nor that data is used up: by
#: then Mei has renewed.
BO = [
    ("03 14:00", "卡 …NNNN 还剩 1 GB"),
    ("05 11:00", "卡 …NNNN 还能上网 2 天"),
    ("07 11:00", "卡 …NNNN 还能上网 22 小时"),
    ("15 11:00", "卡 …NNNN 还能上网 2 天"),
    ("19 12:00", "卡 …NNNN 还能上网 3 天"),
    ("21 12:00", "卡 …NNNN 还能上网 1 天"),
    ("22 11:00", "卡 …NNNN 还能上网 1 小时"),
    ("02 11:00", "卡 …NNNN 还能上网 2 天"),
    ("07 11:00", "卡 …NNNN 还能上网 2 天"),
    ("09 11:00", "卡 …NNNN 还能上网 22 小时"),
]
PHONE = "+819012345678"


def test_forty_days_with_every_job_run_twice(life: Life) -> None:
    life.times = 2
    Preferences.objects.create(user=life.mei)
    add_push_device(user=life.mei, subscription=SUBSCRIPTION, name="phone", language="en", now=START)
    life.mei.phone, life.mei.phone_verified_at = PHONE, START
    life.mei.save()
    life.live(
        {
            timedelta(): life.renew(WEEK),
            2 * DAY + 5 * HOUR: life.use(4 * GB),
            2 * DAY + 6 * HOUR: life.use(GB // 10),
            8 * DAY: life.renew(MONTH),
            # Four fifths at 23:00, all of it an hour later: in the morning only the graver is said.
            9 * DAY + 13 * HOUR: life.use(9 * GB),
            9 * DAY + 14 * HOUR: life.use(GB),
            10 * DAY: life.renew(WEEK),
            14 * DAY + 3 * HOUR: life.renew(WEEK),
            28 * DAY: life.renew(WEEK),
            # Two days before the end there is as much again: what was said is said anew of the new end.
            33 * DAY: life.renew(WEEK),
        },
        until=40 * DAY,
    )

    def told(address: str | None, zone: ZoneInfo, gateway: FakeGateway) -> list[tuple[str, str]]:
        heard = life.heard(address, zone, gateway)
        return [(at, text.replace("\u00a0", " ").replace(life.card.iccid[-4:], "NNNN")) for at, text in heard]

    house, pushed_to = life.house, life.house.push.sent[0].message.address
    assert told(life.mei.email, JAPAN, house.gateway) == MEI
    assert told(PHONE, JAPAN, house.sms) == MEI
    assert told(pushed_to, JAPAN, house.push) == MEI
    assert told(life.bo.email, CHINA, house.gateway) == BO
    assert (len(life.inbox(life.mei)), len(life.inbox(life.bo))) == (len(MEI), len(BO))


class Killed(BaseException):
    """A worker that dies: nobody catches it."""


def test_a_worker_that_dies_between_queueing_and_recording_has_told_nothing_and_another_tells_it_once(
    life: Life,
) -> None:
    with clock.travel_to(START):
        life.renew(WEEK)()
        life.work()
    with clock.travel_to(START + 4 * DAY + 2 * HOUR):
        with patch.object(watching, "next_look", side_effect=Killed), pytest.raises(Killed):
            look_at_cards()
        assert Reminder.objects.count() == 0
        look_at_cards()
        with patch.object(Reminder.objects, "bulk_update", side_effect=Killed), pytest.raises(Killed):
            tell_reminders()
        assert list(Message.objects.filter(purpose__startswith="reminder:")) == []
        life.work()
        life.work()
    assert [at for at, _ in life.heard(life.mei.email, JAPAN)] == ["05 12:00"]
    assert [at for at, _ in life.heard(life.bo.email, CHINA)] == ["05 11:00"]


def test_a_card_that_cannot_be_looked_at_keeps_back_nobody_else(life: Life) -> None:
    other = make_card()
    with clock.travel_to(START):
        hold_card(user=life.mei, card=other, now=START)
        life.renew(WEEK)()
        life.house.pay(life.house.order(other, WEEK, payer=life.mei))
        life.house.top_up(life.mei, 5_000)
        life.work()
    known = rules.kinds_due

    def broken(situation: Situation, *, now: datetime) -> list[Kind]:
        if situation.renews_itself:
            raise RuntimeError("a card that nobody foresaw")
        return known(situation, now=now)

    with clock.travel_to(START + 4 * DAY + HOUR):
        price = quote_automatic(other, WEEK, user=life.mei, now=clock.now()).price
        switch_on(
            card=other,
            user=life.mei,
            plan_code=WEEK,
            method_id=None,
            shown_minor=price.amount_minor,
            language="en",
            now=clock.now(),
        )
        touch(card_ids=[other.pk, life.card.pk], now=clock.now())
        with patch.object(watching, "kinds_due", broken):
            life.work()
    assert [at for at, _ in life.heard(life.mei.email, JAPAN)][-1:] == ["05 11:00"]
    assert Watch.objects.get(card=other).attempts == 1
    with clock.travel_to(START + 4 * DAY + 2 * HOUR):
        life.work()
    # It renews itself, so that nothing needs to be done for it.
    assert Reminder.objects.filter(card=other).count() == 0
    assert Watch.objects.get(card=other).next_attempt_at is None


def test_what_is_no_longer_true_when_the_night_is_over_is_not_told(life: Life) -> None:
    life.live({timedelta(): life.renew(WEEK), 12 * HOUR: life.use(4 * GB)}, until=13 * HOUR)
    assert Reminder.objects.filter(state="waiting").count() == 2
    release_card(user=life.bo, card=life.card, now=clock.now())
    with clock.travel_to(START + 14 * HOUR):
        block_card(card=life.card, blocked=Blocked.LOST)
        life.work()
    with clock.travel_to(START + 2 * DAY + 2 * HOUR):
        life.work()
    assert set(Reminder.objects.values_list("state", flat=True)) == {PASSED}
    assert life.heard(life.mei.email, JAPAN) == []


def test_that_data_runs_low_is_told_whatever_stands_beside_it(life: Life) -> None:
    make_plan("BESIDE", data_bytes=GB, days=8, price_minor=500)
    life.live(
        {
            timedelta(): life.renew(WEEK),
            timedelta(minutes=1): life.renew("BESIDE"),
            # Neither lot is low yet, and both together are, at night; by the morning the smaller has all of its own.
            13 * HOUR: life.use(19 * GB // 4),
            14 * HOUR: life.use(GB // 4),
            2 * DAY: life.use(GB // 10),
        },
        until=2 * DAY,
    )
    heard = life.heard(life.mei.email, JAPAN)
    assert [(at, text.replace("\u00a0", " ")) for at, text in heard] == [("02 08:00", "Mei’s phone has 1 GB left")]


def test_that_data_runs_low_is_told_when_what_stood_beside_it_ends(life: Life) -> None:
    make_plan("FIRST", data_bytes=5 * GB, days=5, price_minor=500)
    make_plan("DRAINED", data_bytes=5 * GB, days=20, price_minor=500, priority=1)
    life.live(
        {
            timedelta(): life.renew("FIRST"),
            timedelta(minutes=1): life.renew("DRAINED"),
            DAY: life.use(41 * GB // 10),
        },
        until=6 * DAY,
    )
    heard = life.heard(life.mei.email, JAPAN)
    assert [(at, text.replace("\u00a0", " ")) for at, text in heard] == [("06 10:00", "Mei’s phone has 900 MB left")]


def test_what_passed_untold_is_told_when_it_comes_true_again(life: Life) -> None:
    life.live({timedelta(): life.renew(WEEK), 13 * HOUR: life.use(4 * GB)}, until=13 * HOUR)
    block_card(card=life.card, blocked=Blocked.LOST)
    life.live({DAY: lambda: None}, until=DAY + 2 * HOUR)
    assert set(Reminder.objects.values_list("state", flat=True)) == {PASSED}
    block_card(card=life.card, blocked=Blocked.NO)
    life.live({DAY + 3 * HOUR: lambda: touch(card_ids=[life.card.pk], now=clock.now())}, until=2 * DAY)
    assert [at for at, _ in life.heard(life.mei.email, JAPAN)] == ["02 13:00"]


def test_an_inbox_forgets_what_it_told_long_ago_and_tells_it_no_second_time(life: Life) -> None:
    make_plan("YEAR", data_bytes=5 * GB, days=300, price_minor=500)
    life.live({timedelta(): life.renew("YEAR"), HOUR: life.use(4 * GB)}, until=2 * HOUR)
    assert [each.link for each in inbox_of(life.mei, limit=9)] != []
    for days in (179, 181):
        with clock.travel_to(START + days * DAY):
            chore("forget old reminders").run()
            touch(card_ids=[life.card.pk], now=clock.now())
            life.work()
        assert len(inbox_of(life.mei, limit=9)) == (days < 180)
    assert list(Reminder.objects.values_list("state", "figures").distinct()) == [(FORGOTTEN, {})]
    assert len(life.heard(life.mei.email, JAPAN)) == 1


def test_who_changes_their_quiet_hours_hears_at_once_what_waited_for_their_end(life: Life) -> None:
    life.live({timedelta(): life.renew(WEEK), 13 * HOUR: life.use(4 * GB)}, until=13 * HOUR)
    assert life.heard(life.mei.email, JAPAN) == []
    with clock.travel_to(START + 14 * HOUR):
        save_preferences(
            user=life.mei,
            by_email=True,
            by_sms=False,
            by_push=False,
            names_friends=True,
            quiet_from=time(0),
            quiet_until=time(0),
            zone="Asia/Tokyo",
            now=clock.now(),
        )
        life.work()
    assert [at for at, _ in life.heard(life.mei.email, JAPAN)] == ["02 00:00"]
    stop_mails(user=life.mei)
    with clock.travel_to(START + 4 * DAY + HOUR):
        life.work()
    assert len(life.heard(life.mei.email, JAPAN)) == 1
    assert life.inbox(life.mei) == ["runs-low", "ends-in-3-days"]


def test_unusual_use_and_the_end_of_a_balance_are_told_without_telling_twice(life: Life) -> None:
    add_push_device(user=life.mei, subscription=SUBSCRIPTION, name="", language="en", now=START)
    with clock.travel_to(START):
        life.house.top_up(life.mei, 1_000)
        block_card(card=life.card, blocked=Blocked.LOST)
        use_data(life.card, GB)
        life.work()
    assert life.heard(life.mei.email, JAPAN) == [("01 10:00", "Somebody tried to use Mei’s phone, which is blocked")]
    with clock.travel_to(START + 149 * DAY + 14 * HOUR):
        # The balances' own mail goes out at its time, the push after the quiet hours.
        chore("warn of ends of balances").run()
        life.work()
    with clock.travel_to(START + 150 * DAY):
        life.work()
    pushed = [kept.message.subject for kept in life.house.push.sent]
    assert pushed == [
        "Somebody tried to use Mei’s phone, which is blocked",
        "¥1,000 of your balance can be spent until Fri 27 Aug, 24:00",
    ]
    mails = [kept.message.subject for kept in life.house.gateway.sent if kept.message.address == life.mei.email]
    assert mails[-1] == "¥1,000 of your balance end in 30 days"


@pytest.mark.django_db(transaction=True)
def test_four_workers_tell_everything_once() -> None:
    with open_house() as house:
        life = Life(house)
        with clock.travel_to(START):
            life.renew(WEEK)()
            life.work()
        start = threading.Barrier(4)

        def work() -> None:
            start.wait()
            try:
                with clock.travel_to(START + 4 * DAY + 2 * HOUR):
                    life.work()
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [len(life.heard(user.email, JAPAN)) for user in (life.mei, life.bo)] == [1, 1]
        assert set(Reminder.objects.values_list("state", flat=True)) == {TOLD}
