# SPDX-License-Identifier: Apache-2.0
"""Settlement files as an operator takes them, one after the other, from a provider whose payers really paid."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import EventKind, ProviderEvent, Settlement, SettlementKind, SettlementLine
from tsuzuku.project.cli import tsuzuku
from tsuzuku.testing.simulators.provider_settlement import write

if TYPE_CHECKING:
    from tsuzuku.orders.models import Order
    from tsuzuku.payments.models import Capture
    from tsuzuku.reports.reconciling import Taken
    from tsuzuku.testing.house import House, Story

pytestmark = pytest.mark.django_db
#: Of what happens on connections of its own.
committed = pytest.mark.django_db(transaction=True)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(house: "House") -> "House":
    from tsuzuku.testing.factories import make_plan

    make_plan()
    return house


def sell(house: "House", count: int = 1) -> "list[Order]":
    """Orders that were paid now."""
    from tsuzuku.testing.factories import make_card

    orders = [house.order(make_card(), "GB-1-3D") for _ in range(count)]
    for order in orders:
        house.pay(order)
    return orders


def pay_twice(house: "House") -> "Order":
    """An order that was paid once too often, and whose second payment went back."""
    order = _new_order(house)
    house.pay(order, times=2)
    house.deliver(*(house.provider.finish_refund(key) for key in house.provider.refunds_under_way()))
    return order


def told(house: "House", begins_at: datetime, ends_at: datetime) -> list[SettlementLine]:
    """The provider's books."""
    settlement = house.provider.read_settlement(house.provider.settlement(begins_at, ends_at))
    assert settlement is not None
    return list(settlement.lines)


def body(house: "House", lines: Sequence[SettlementLine]) -> bytes:
    """A file of these lines."""
    fields = [
        {
            "kind": line.kind,
            "capture_reference": line.capture_reference,
            "reference": line.reference,
            "amount": [line.amount.amount_minor, line.amount.currency],
            "fee": [0, line.amount.currency],
            "booked_at": line.booked_at.isoformat(),
        }
        for line in lines
    ]
    return "\n".join(["fake settlement", *map(json.dumps, fields), str(len(fields)), ""]).encode()


def take(content: bytes, name: str = "file", **fields: Any) -> "Taken":  # noqa: ANN401  # any field of take_settlement
    from tsuzuku.reports.reconciling import take_settlement

    usual: dict[str, Any] = {"provider": "fake", "days": None, "actor": "operator", "now": clock.now()}
    return take_settlement(name=name, body=content, **{**usual, **fields})


def open_kinds() -> list[tuple[str, str]]:
    """What is still to be seen to: kind and reference."""
    from tsuzuku.reports.queries import open_differences

    return [(each.kind, each.identity or each.our_reference) for each in open_differences()]


def rows() -> list[int]:
    from tsuzuku.reports.models import SettledLine, SettlementDifference, SettlementFile

    return [model.objects.count() for model in (SettlementFile, SettledLine, SettlementDifference)]


def test_what_is_told_of_once_in_both_matches(house: "House", story: "Story") -> None:
    sell(house)
    pay_twice(house)
    now = clock.now()
    taken = take(house.provider.settlement(now - DAY, now + DAY))
    assert taken.is_new
    assert open_kinds() == []
    from tsuzuku.reports.queries import figures_of

    figures = {figure.kind: (figure.lines, figure.total, figure.fees) for figure in figures_of(taken.file)}
    assert figures == {
        SettlementKind.CAPTURE: (3, Money(900, "JPY"), Money(3, "JPY")),
        SettlementKind.REFUND: (1, Money(300, "JPY"), Money(0, "JPY")),
    }


def test_the_same_file_twice_changes_nothing(house: "House") -> None:
    sell(house, 2)
    content = body(house, told(house, clock.now() - DAY, clock.now())[:1])
    first = take(content)
    before = rows()
    again = take(content, "another name")
    assert (first.is_new, again.is_new, again.file) == (True, False, first.file)
    assert rows() == before


@committed
def test_the_same_file_at_once_is_one_file(house: "House") -> None:
    from django.db import connection

    sell(house, 2)
    content = house.provider.settlement(clock.now() - DAY, clock.now())
    barrier, answers = threading.Barrier(4), []

    def run() -> None:
        try:
            barrier.wait()
            answers.append(take(content).is_new)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert rows()[:2] == [1, 2]


def test_a_later_file_explains_what_was_missing(house: "House", story: "Story") -> None:
    sell(house)
    with story.after(hours=1):
        sell(house)
    with story.after(hours=2):
        sell(house)
        lines = told(house, story.start - DAY, clock.now())
        take(body(house, [lines[0], lines[2]]))
        assert open_kinds() == [("missing-there", lines[1].capture_reference)]
        taken = take(body(house, [lines[1]]))
        assert taken.explained == 1
        assert open_kinds() == []
        (difference,) = _differences("missing-there")
        assert (difference.resolved_by, difference.note) == (f"file:{taken.file.pk}", "line 2")


def test_what_an_earlier_file_told_is_matched_once(house: "House", story: "Story") -> None:
    sell(house, 2)
    with story.after(hours=1):
        sell(house, 2)
        lines = told(house, story.start - DAY, clock.now())
        take(body(house, [*lines[:3], lines[0]]))
        assert open_kinds() == [("twice-in-file", lines[0].capture_reference)]
        taken = take(body(house, [*lines, lines[0]]))
        assert (taken.file.known, taken.file.lines.count()) == (3, 1)
        assert open_kinds() == [("twice-in-file", lines[0].capture_reference)]


def test_between_two_files_nothing_falls_through(house: "House", story: "Story") -> None:
    sell(house)
    with story.after(hours=12):
        sell(house)
    with story.after(hours=20):
        sell(house)
        lines = told(house, story.start - DAY, clock.now())
        take(body(house, lines[:1]))
        assert open_kinds() == []
        take(body(house, lines[2:]))
        assert open_kinds() == [("missing-there", lines[1].capture_reference)]


def test_of_days_without_files_nothing_is_said(house: "House", story: "Story") -> None:
    sell(house)
    with story.after(hours=30):
        sell(house)
    with story.after(hours=60):
        sell(house)
        lines = told(house, story.start - DAY, clock.now())
        take(body(house, lines[:1]))
        take(body(house, lines[2:]))
        assert open_kinds() == []


def test_news_that_come_later_explain_a_line(house: "House", story: "Story") -> None:
    sell(house)
    (event,) = house.provider.pay(house.start_payment(_new_order(house)))
    lines = told(house, clock.now() - DAY, clock.now())
    take(body(house, lines))
    assert open_kinds() == [("missing-here", event.capture_reference)]
    house.deliver(event)
    house.settle_down()
    with story.after(hours=1):
        sell(house)
        taken = take(body(house, told(house, story.start + HOUR, clock.now())))
    assert taken.explained == 1
    assert open_kinds() == []
    (difference,) = _differences("missing-here")
    assert difference.resolved_by == "books"


def test_news_of_another_amount_explain_nothing(house: "House", story: "Story") -> None:
    sell(house)
    (event,) = house.provider.pay(house.start_payment(_new_order(house)))
    lines = told(house, clock.now() - DAY, clock.now())
    take(body(house, [lines[0], replace(lines[1], amount=Money(299, "JPY"))]))
    house.deliver(event)
    house.settle_down()
    with story.after(hours=1):
        sell(house)
        take(body(house, told(house, story.start + HOUR, clock.now())))
    assert open_kinds() == [("missing-here", event.capture_reference)]


def test_refunds_that_wait_came_back_or_were_made_by_hand(house: "House", story: "Story") -> None:
    pay_twice(house)
    with story.after(hours=1):
        sell(house)
        lines = told(house, story.start - DAY, clock.now())
        by_hand = replace(
            lines[1], kind=SettlementKind.REFUND, reference="by-hand", amount=Money(100, "JPY"), number=99
        )
        gone = next(line for line in lines if line.kind is SettlementKind.REFUND)
        take(body(house, [*(line for line in lines if line is not gone), by_hand]))
        assert open_kinds() == [("refund-by-hand", "by-hand"), ("missing-there", gone.reference)]
        back = replace(gone, kind=SettlementKind.REFUND_RETURNED, booked_at=gone.booked_at + HOUR)
        take(body(house, [gone, back]))
        # Our books have not heard that it came back.
        assert open_kinds() == [("refund-by-hand", "by-hand"), ("missing-here", gone.reference)]
        house.deliver(house.provider.fail_refund(next(iter(house.provider.refunds))))
        with story.after(hours=2):
            sell(house)
            take(body(house, told(house, story.start + 2 * HOUR, clock.now())))
        assert open_kinds() == [("refund-by-hand", "by-hand")]


def test_a_refund_that_went_although_it_failed_is_a_difference_until_it_is_back(house: "House", story: "Story") -> None:
    pay_twice(house)
    lines = told(house, clock.now() - DAY, clock.now())
    house.deliver(house.provider.fail_refund(next(iter(house.provider.refunds))))
    take(body(house, lines))
    gone = lines[-1]
    assert open_kinds() == [("missing-here", gone.reference)]
    take(body(house, [replace(gone, kind=SettlementKind.REFUND_RETURNED)]))
    assert open_kinds() == []


@pytest.mark.parametrize("name", ["its reference", "our key", "our key without hyphens"])
def test_a_refund_is_known_by_any_of_its_names(house: "House", name: str) -> None:
    pay_twice(house)
    *lines, gone = told(house, clock.now() - DAY, clock.now())
    key = next(iter(house.provider.refunds))
    names = {"its reference": gone.reference, "our key": key, "our key without hyphens": key.replace("-", "")}
    take(body(house, [*lines, replace(gone, reference=names[name])]))
    assert open_kinds() == []


def test_a_refund_without_a_name_of_ours_is_told_by_its_payment_and_amount(house: "House", story: "Story") -> None:
    from unittest.mock import patch

    pay_twice(house)
    *lines, gone = told(house, clock.now() - DAY, clock.now())
    by_hand = replace(gone, reference="number-2", amount=Money(100, "JPY"))
    again = replace(gone, reference="number-3")
    found = Settlement(lines=(*lines, replace(gone, reference="number-1"), by_hand), names_refunds=False)
    with patch.object(house.provider, "read_settlement", return_value=found):
        take(b"first")
    assert open_kinds() == [("refund-by-hand", "number-2")]
    # It has been told: another of the same amount is another.
    found = Settlement(lines=(*lines, again), names_refunds=False)
    with patch.object(house.provider, "read_settlement", return_value=found):
        take(b"second")
    assert open_kinds() == [("refund-by-hand", "number-2"), ("refund-by-hand", "number-3")]


def test_disputes_are_matched_by_their_own_name_or_their_captures(house: "House", story: "Story") -> None:
    from tsuzuku.payments.models import Capture

    sell(house, 2)
    first, second = Capture.objects.order_by("pk")
    lines = told(house, clock.now() - DAY, clock.now())
    opened = [
        replace(line, kind=SettlementKind.DISPUTE, reference=reference)
        for line, reference in zip(lines, ("dp-1", "move-2"), strict=True)
    ]
    take(body(house, [*lines, *opened]))
    assert open_kinds() == [("dispute-unknown", "dp-1"), ("dispute-unknown", "move-2")]
    hear(first, "dp-1", EventKind.DISPUTE_OPENED)
    hear(second, "dp-2", EventKind.DISPUTE_OPENED)
    with story.after(hours=1):
        sell(house)
        (later,) = told(house, story.start + HOUR, clock.now())
        won = replace(opened[0], kind=SettlementKind.DISPUTE_RETURNED, booked_at=later.booked_at)
        assert take(body(house, [later, won])).explained == 2
        assert open_kinds() == [("missing-here", "dp-1")]
    hear(first, "dp-1", EventKind.DISPUTE_WON)
    with story.after(hours=2):
        sell(house)
        take(body(house, told(house, story.start + 2 * HOUR, clock.now())))
    assert open_kinds() == []


def test_a_dispute_that_no_file_has_is_missing_there(house: "House", story: "Story") -> None:
    from tsuzuku.payments.models import Capture

    sell(house)
    hear(Capture.objects.get(), "dp-1", EventKind.DISPUTE_OPENED)
    with story.after(hours=1):
        sell(house)
        lines = told(house, story.start - DAY, clock.now())
        take(body(house, lines))
        assert open_kinds() == [("missing-there", "dp-1")]
        take(body(house, [replace(lines[0], kind=SettlementKind.DISPUTE, reference="dp-1")]))
        assert open_kinds() == []


def hear(capture: "Capture", reference: str, kind: EventKind) -> None:
    """What the provider tells of a dispute."""
    from tsuzuku.payments.actions import take_events

    event = ProviderEvent(
        event_id=f"{reference}:{kind}",
        kind=kind,
        payment_reference=capture.payment.reference or "",
        capture_reference=capture.reference,
        amount=capture.amount,
        dispute_reference=reference,
        occurred_at=clock.now(),
        raw="",
    )
    take_events(provider="fake", events=[event], now=clock.now())


def test_a_file_says_nothing_of_what_came_after_it_was_downloaded(house: "House", story: "Story") -> None:
    from tsuzuku.reports.periods import Days

    sell(house)
    content = house.provider.settlement(story.start - DAY, clock.now())
    with story.after(minutes=1):
        sell(house)
        today = clock.now().astimezone(_tokyo()).date()
        take(content, days=Days(today - DAY, today + DAY))
        assert open_kinds() == []


def _tokyo() -> Any:  # noqa: ANN401  # a zone
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Tokyo")


def _new_order(house: "House") -> "Order":
    from tsuzuku.testing.factories import make_card

    return house.order(make_card(), "GB-1-3D")


def _differences(kind: str) -> list[Any]:
    from tsuzuku.reports.models import SettlementDifference

    return list(SettlementDifference.objects.filter(kind=kind))


# -- refusing ----------------------------------------------------------------------------------------------------------


def _refusals(house: "House") -> dict[str, Callable[[], bytes]]:
    now = clock.now()
    whole = house.provider.settlement(now - DAY, now + DAY)
    lines = told(house, now - DAY, now + DAY)
    return {
        "settlement-malformed": lambda: whole[:-1],
        "settlement-unknown": lambda: b"\xff\xfe\0",
        "settlement-empty": lambda: body(house, []),
        "settlement-foreign": lambda: body(house, [replace(lines[0], capture_reference="x", reference="x")]),
    }


@pytest.mark.parametrize(
    "code", ["settlement-malformed", "settlement-unknown", "settlement-empty", "settlement-foreign"]
)
def test_refuses_a_file_and_keeps_nothing_of_it(house: "House", code: str) -> None:
    from tsuzuku.kernel.errors import DomainError

    sell(house, 2)
    with pytest.raises(DomainError) as caught:
        take(_refusals(house)[code]())
    assert caught.value.code == code
    assert rows() == [0, 0, 0]


def test_takes_strangers_when_it_is_told_to(house: "House") -> None:
    sell(house)
    take(_refusals(house)["settlement-foreign"](), is_known_foreign=True)
    assert ("missing-here", "x") in open_kinds()


def test_refuses_a_file_of_another_month(house: "House") -> None:
    from tsuzuku.reports.errors import SettlementOfAnotherTime
    from tsuzuku.reports.periods import Days

    sell(house)
    today = clock.now().astimezone(_tokyo()).date()
    with pytest.raises(SettlementOfAnotherTime) as caught:
        take(house.provider.settlement(clock.now() - DAY, clock.now()), days=Days(today - 30 * DAY, today - 2 * DAY))
    assert caught.value.particulars == {"first": today, "last": today}
    assert rows() == [0, 0, 0]


def test_refuses_a_huge_file_and_a_provider_that_nobody_has(house: "House", monkeypatch: pytest.MonkeyPatch) -> None:
    from tsuzuku.payments.errors import ProviderUnknown
    from tsuzuku.reports import reconciling
    from tsuzuku.reports.errors import SettlementTooLarge, SettlementUnknown

    monkeypatch.setattr(reconciling, "FILE_BYTES_MAX", 10)
    with pytest.raises(SettlementTooLarge):
        take(b"x" * 11)
    with pytest.raises(ProviderUnknown):
        take(b"x", provider="nobody")
    with pytest.raises(SettlementUnknown):
        take(b"x" * 10)


def test_costs_as_many_statements_for_many_lines_as_for_few(house: "House", story: "Story") -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for number, count in enumerate((2, 6)):
        with story.after(hours=number):
            sell(house, count)
            content = house.provider.settlement(story.start + number * HOUR, clock.now())
        with CaptureQueriesContext(connection) as queries:
            take(content)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# -- the command -------------------------------------------------------------------------------------------------------


def run(*words: str) -> Result:
    return CliRunner().invoke(tsuzuku, ["reconcile", *words], catch_exceptions=False)


@pytest.fixture
def files(house: "House", tmp_path: Path) -> dict[str, Path]:
    """A file that matches, one with a difference, one that is cut off."""
    sell(house)
    pay_twice(house)
    now = clock.now()
    lines = told(house, now - DAY, now)
    contents = {
        "good.csv": house.provider.settlement(now - DAY, now),
        "bad.csv": body(house, [replace(lines[0], amount=Money(301, "JPY")), *lines[1:]]),
        "cut.csv": house.provider.settlement(now - DAY, now)[:-3],
        "other.csv": write([replace(line, capture_reference="x", reference="x") for line in lines[:1]]),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


@committed
def test_says_that_all_matches(files: dict[str, Path]) -> None:
    result = run(str(files["good.csv"]))
    assert result.exit_code == 0
    told_lines = result.stdout.splitlines()
    day = f"{clock.now().astimezone(_tokyo()):%Y-%m-%d}"
    assert told_lines[0].startswith(f"good.csv: fake, {day} ")
    assert told_lines[1:] == [
        f"{day}  capture                 3            ¥900, fees ¥3",
        f"{day}  refund                  1            ¥300",
        "No differences.",
    ]
    again = run(str(files["good.csv"]))
    assert again.exit_code == 0
    assert again.stdout.splitlines()[0].endswith("UTC already; nothing was changed.")
    assert again.stdout.splitlines()[1:] == told_lines


@committed
def test_names_each_difference_until_somebody_has_seen_to_it(files: dict[str, Path]) -> None:
    result = run(str(files["bad.csv"]), "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["open"], answer["provider"], answer["is_new"]) == (1, 1, "fake", True)
    (difference,) = [each for each in answer["differences"] if each["is_open"]]
    wanted = ("amount-differs", 2, 301, 300)
    assert tuple(difference[name] for name in ("kind", "line", "amount_minor", "our_amount_minor")) == wanted
    number = difference["id"]
    listed = run("--list")
    assert listed.exit_code == 0
    assert listed.stdout.splitlines()[0] == "Differences: 1"
    assert listed.stdout.splitlines()[1].startswith(f"#{number}  ")
    assert "Line 2 has ¥301 for the payment" in listed.stdout
    assert [each["id"] for each in json.loads(run("--list", "--json", "--provider", "fake").stdout)] == [number]
    assert json.loads(run("--list", "--json", "--provider", "stripe").stdout) == []
    assert run("--resolve", str(number), "--note", "asked them").stdout == f"#{number} is seen to.\n"
    assert run("--list").stdout == "No differences.\n"
    assert run(str(files["bad.csv"])).exit_code == 0
    again = run("--resolve", str(number), "--note", "asked them")
    assert (again.exit_code, again.stderr) == (1, "Error: nobody need see to it any more\n")


@committed
def test_says_why_nobody_can_read_a_file(files: dict[str, Path]) -> None:
    result = run(str(files["cut.csv"]))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: line ")
    other = run(str(files["other.csv"]), "--provider", "fake")
    assert (other.exit_code, other.stdout) == (2, "")
    assert other.stderr.startswith("Error: no provider of this installation, or not the one that you named")
    foreign = run(str(files["other.csv"]))
    assert (foreign.exit_code, foreign.stdout) == (2, "")
    assert foreign.stderr.startswith("Error: none of its 1 payments is in our books")
    time = run(str(files["good.csv"]), "--from", "2020-01-01", "--to", "2020-01-31")
    assert (time.exit_code, time.stdout) == (2, "")
    assert time.stderr.endswith("which are other days than --from and --to\n")
    assert run("--resolve", "7", "--note", "x").stderr.startswith("Error: there is no difference of this number")
    assert rows() == [0, 0, 0]


@pytest.mark.parametrize(
    "words", [[], ["--list", "--resolve", "1"], ["--resolve", "1"], ["--list", "--from", "2026-11-01"]]
)
def test_is_called_with_one_thing_to_do(house: "House", words: list[str]) -> None:
    assert run(*words).exit_code == 2
