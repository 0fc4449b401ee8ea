# SPDX-License-Identifier: Apache-2.0
"""Opening a card with its PIN, and trying to guess one."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tsuzuku.cards.actions import add_card, open_with_pin
from tsuzuku.cards.errors import CardNotOpened, TooManyGuesses
from tsuzuku.cards.models import Card, CardKind
from tsuzuku.journal.models import Count
from tsuzuku.kernel.iccid import Iccid

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HERE = "203.0.113.7"
UNKNOWN = "8981100823369474900"


@pytest.fixture
def addresses() -> Iterator[str]:
    """An address of its own for each guess."""
    return (f"198.51.{number // 250}.{number % 250}" for number in count())


def _open(number: str, pin: str, address: str = HERE, now: datetime = NOW) -> Card | str | int:
    """The card, the code of the refusal, or how many seconds to wait."""
    try:
        return open_with_pin(iccid_text=number, pin=pin, address=address, now=now)
    except TooManyGuesses as refused:
        return refused.retry_after_seconds
    except CardNotOpened as refused:
        return str(refused)


@pytest.mark.parametrize("pin", ["9652", " 9652 ", "\uff19\uff16\uff15\uff12"])
@pytest.mark.parametrize("number", ["8981200961153878263", "8981 2009 6115 3878 263", "898120096115387826"])
def test_number_and_pin_open_a_card(card: Card, number: str, pin: str) -> None:
    assert _open(number, pin) == card
    assert Count.objects.count() == 0


def test_everything_else_gives_the_same_answer_after_the_same_work(card: Card, card_without_pin: Card) -> None:
    attempts = [
        (card.iccid, "1111"),
        (UNKNOWN, "9652"),
        (card_without_pin.iccid, "9652"),
        (card_without_pin.iccid, ""),
        ("8981200961153878264", "9652"),
        ("no number", "9652"),
        ("", ""),
        ("8" * 5000, "9" * 5000),
        ("\x00", "\x00"),
        ("\ud800", "\ud800"),
    ]
    answers, work = set(), set()
    for number, pin in attempts:
        with CaptureQueriesContext(connection) as queries:
            answers.add(_open(number, pin))
        work.add(tuple(re.sub(r"'[^']*'|s\d+_x\d+", "?", query["sql"]) for query in queries))
    assert (answers, len(work)) == ({"card-not-opened"}, 1)


def test_a_card_takes_five_wrong_pins_in_a_quarter_of_an_hour(card: Card, addresses: Iterator[str]) -> None:
    wrong = [_open(card.iccid, "1111", next(addresses), NOW + timedelta(minutes=minute)) for minute in range(6)]
    assert wrong == ["card-not-opened"] * 5 + [600]
    # The right PIN is refused too, else the answer would tell that it is right.
    assert _open(card.iccid, "9652", next(addresses), NOW + timedelta(minutes=14, seconds=59)) == 1
    assert _open(card.iccid, "9652", next(addresses), NOW + timedelta(minutes=15)) == card


def test_a_card_takes_twenty_wrong_pins_a_day(card: Card, addresses: Iterator[str]) -> None:
    moments = [NOW + timedelta(minutes=15 * quarter) for quarter in range(5)]
    answers = [_open(card.iccid, "1111", next(addresses), moment) for moment in moments for _guess in range(5)]
    assert answers == ["card-not-opened"] * 20 + [23 * 3600] * 5
    assert _open(card.iccid, "9652", next(addresses), NOW + timedelta(days=1)) == card


@pytest.mark.parametrize("number", [UNKNOWN, "no number"])
def test_numbers_that_are_no_cards_are_limited_in_the_same_way(db: None, number: str, addresses: Iterator[str]) -> None:
    assert [_open(number, "1111", next(addresses)) for _guess in range(6)] == ["card-not-opened"] * 5 + [900]


def test_ways_of_writing_a_number_do_not_give_more_guesses(card: Card, addresses: Iterator[str]) -> None:
    ways = [card.iccid, f" {card.iccid}", f"{card.iccid}F", card.iccid[:18], f"'{card.iccid}", "-".join(card.iccid)]
    assert [_open(way, "1111", next(addresses)) for way in ways] == ["card-not-opened"] * 5 + [900]


def _numbers() -> Iterator[str]:
    return (f"no number {number}" for number in count())


@pytest.mark.parametrize(
    "addresses_of_one",
    [
        [HERE],
        [f"::ffff:{HERE}", HERE],
        [f"2001:db8:1:2::{number:x}" for number in range(1, 32)],
        ["2001:db8:1:2::1", "2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::1%eth0"],
    ],
)
def test_an_address_gets_thirty_wrong_pins_in_a_quarter_of_an_hour(db: None, addresses_of_one: list[str]) -> None:
    guesses = zip(_numbers(), range(31), strict=False)
    answers = [_open(number, "1", addresses_of_one[guess % len(addresses_of_one)]) for number, guess in guesses]
    assert answers == ["card-not-opened"] * 30 + [900]
    assert _open("no number", "1", "203.0.113.8") == "card-not-opened"
    assert _open("no number", "1", "2001:db8:1:3::1") == "card-not-opened"


def test_a_right_pin_does_not_give_an_address_new_guesses(card: Card) -> None:
    numbers = _numbers()
    assert {_open(next(numbers), "1") for _guess in range(29)} == {"card-not-opened"}
    assert [_open(card.iccid, "9652") for _time in range(3)] == [card] * 3
    assert [_open(next(numbers), "1") for _guess in range(2)] == ["card-not-opened", 900]
    assert _open(card.iccid, "9652") == 900


def test_an_address_gets_two_hundred_wrong_pins_a_day(db: None) -> None:
    numbers = _numbers()
    moments = [NOW + timedelta(minutes=15 * quarter) for quarter in range(7)]
    answers = Counter(_open(next(numbers), "1", HERE, moment) for moment in moments for _guess in range(30))
    assert answers == {"card-not-opened": 200, 24 * 3600 - 90 * 60: 10}


def test_all_addresses_and_cards_together_get_three_hundred_a_minute(card: Card, addresses: Iterator[str]) -> None:
    numbers = _numbers()
    answers = Counter(_open(next(numbers), "1", next(addresses)) for _guess in range(305))
    assert answers == {"card-not-opened": 300, 60: 5}
    assert _open(card.iccid, "9652", next(addresses)) == 60
    assert _open(card.iccid, "9652", next(addresses), NOW + timedelta(minutes=1)) == card


def test_one_address_cannot_use_up_the_guesses_of_all(card: Card) -> None:
    numbers = _numbers()
    answers = Counter(_open(next(numbers), "1", HERE) for _guess in range(400))
    assert answers == {"card-not-opened": 30, 900: 370}
    assert _open(card.iccid, "9652", "203.0.113.8") == card


@pytest.mark.django_db(transaction=True)
def test_a_caller_cannot_roll_a_guess_back() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        open_with_pin(iccid_text=UNKNOWN, pin="1111", address=HERE, now=NOW)


def test_neither_number_nor_address_nor_pin_is_kept(card: Card) -> None:
    _open(card.iccid, "1111")
    kept = " ".join(Count.objects.values_list("subject", flat=True))
    assert [secret for secret in (card.iccid, HERE, "1111") if secret in kept] == []


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_time_all_count() -> None:
    card = add_card(iccid=Iccid("8981200961153878263"), kind=CardKind.SIM, carrier="mynet", pin="9652", now=NOW)
    answers: list[Card | str | int] = []
    start = threading.Barrier(12)

    def guess(number: int) -> None:
        with closing(connection):
            start.wait()
            answers.append(_open(card.iccid, "1111", f"198.51.100.{number % 3}"))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answers) == {"card-not-opened": 5, 900: 7}
    counts = {each.subject.rpartition(" ")[0]: each.count for each in Count.objects.order_by("-count")}
    assert (counts["PIN, card in 15 min"], counts["PIN, installation in a min"]) == (12, 5)


@pytest.mark.django_db(transaction=True)
def test_a_right_pin_waits_for_the_wrong_one_before_it() -> None:
    card = add_card(iccid=Iccid("8981200961153878263"), kind=CardKind.SIM, carrier="mynet", pin="9652", now=NOW)
    for _guess in range(4):
        _open(card.iccid, "1111")
    answers: dict[str, Card | str | int] = {}

    def guess(pin: str) -> None:
        with closing(connection):
            answers[pin] = _open(card.iccid, pin)

    with transaction.atomic():
        # Holds the counters, as a guess does while it is looked at.
        list(Count.objects.select_for_update())
        threads = [threading.Thread(target=guess, args=(pin,)) for pin in ("2222", "9652")]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert answers["2222"] == "card-not-opened"
    assert answers["9652"] in (card, 900)
    assert Count.objects.get(subject__startswith="PIN, card in 15 min").count in (5, 6)
