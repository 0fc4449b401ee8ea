# SPDX-License-Identifier: Apache-2.0
"""The judge complains of whatever is lost or doubled, and of nothing else."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.evidence import (
    Capture,
    ClientLog,
    Credit,
    Errand,
    Evidence,
    Row,
    Saw,
    read_captures,
    read_credits,
    read_errands,
)
from tests.faults.judge import judge

ERRAND = Errand("01-0001", card="8981", plan="GB-1", orders={"A"}, paid={"pay"}, saw={Saw.ORDER, Saw.PAID, Saw.ACTIVE})
CREDIT = Credit("ref", card="8981", plan="GB-1")
CAPTURE = Capture("cap", payment="pay", order="A", amount_minor=300, refunds=0)
ROW = Row("A", "paid", "active", "ref", amount_minor=300, unknown_outcomes=0, attempts=1)


def saw(*words: Saw) -> Errand:
    return replace(ERRAND, saw={Saw.ORDER, Saw.PAID, *words})


def complaints(
    errands: Sequence[Errand] = (ERRAND,),
    credits_: Sequence[Credit] = (CREDIT,),
    captures: Sequence[Capture] = (CAPTURE,),
    rows: Sequence[Row] = (ROW,),
    held: frozenset[str] = frozenset(),
) -> list[str]:
    evidence = Evidence(errands=errands, credits=credits_, captures=captures, rows=rows, held_captures=held)
    return [complaint.kind for complaint in judge(evidence)]


def test_a_renewal_that_was_paid_and_credited_once_is_fine() -> None:
    assert complaints() == []


def test_a_second_payment_that_went_back_is_fine() -> None:
    assert complaints(captures=[CAPTURE, replace(CAPTURE, id="cap2", refunds=1)]) == []


@pytest.mark.parametrize("word", [Saw.WITHDRAWN, Saw.CANCELLED])
def test_what_was_not_renewed_and_refunded_is_fine(word: Saw) -> None:
    refunded = replace(CAPTURE, refunds=1)
    row = replace(ROW, state="withdrawn")
    assert complaints([saw(word, Saw.REFUNDED)], [], [refunded], [row]) == []


def test_what_waits_for_a_person_is_fine() -> None:
    row = replace(ROW, order_state="held", state="ordered")
    assert complaints([saw(Saw.HELD)], [], [replace(CAPTURE, amount_minor=1)], [row], frozenset({"cap"})) == []


def test_money_that_waits_for_a_person_unknown_to_its_payer_is_lost() -> None:
    row = replace(ROW, order_state="held", state="ordered")
    assert complaints([saw(Saw.WITHDRAWN, Saw.REFUNDED)], [], [CAPTURE], [row], frozenset({"cap"})) == ["lost"]


def test_an_answered_order_that_does_not_exist_is_lost() -> None:
    assert complaints(rows=[], credits_=[], captures=[])[0] == "lost"


def test_a_renewal_that_was_shown_and_never_credited_is_lost() -> None:
    assert complaints(credits_=[]) == ["lost"]


def test_a_renewal_that_is_active_here_alone_is_lost() -> None:
    alone = replace(ROW, order="B", reference="other")
    assert complaints(rows=[ROW, alone]) == ["lost"]


def test_a_renewal_that_was_shown_and_is_not_active_any_more_is_lost() -> None:
    assert complaints(rows=[replace(ROW, state="activating")]) == ["lost", "doubled"]


def test_money_without_renewal_or_refund_is_lost() -> None:
    row = replace(ROW, state="withdrawn")
    assert complaints([saw(Saw.WITHDRAWN, Saw.REFUNDED)], [], [CAPTURE], [row]) == ["lost"]


def test_money_of_somebody_without_an_order_number_is_lost() -> None:
    assert complaints(captures=[CAPTURE, replace(CAPTURE, id="cap2", order="B")]) == ["lost"]


def test_a_payment_that_is_not_in_the_providers_file_is_lost() -> None:
    assert complaints(captures=[]) == ["lost", "doubled"]


def test_another_price_than_the_orders_is_lost() -> None:
    assert complaints(captures=[replace(CAPTURE, amount_minor=299)]) == ["lost"]


def test_a_renewal_whose_end_nobody_saw_is_lost() -> None:
    assert complaints([saw()], [], [replace(CAPTURE, refunds=1)], [replace(ROW, state="activating")]) == ["lost"]


def test_a_reference_twice_in_the_history_is_doubled() -> None:
    assert complaints(credits_=[CREDIT, CREDIT]) == ["doubled"]


def test_a_second_reference_for_the_same_renewal_is_doubled() -> None:
    assert complaints(credits_=[CREDIT, replace(CREDIT, reference="other")]) == ["doubled"]


def test_an_activation_that_nobody_was_shown_is_doubled() -> None:
    row = replace(ROW, state="withdrawn")
    refunded = replace(CAPTURE, refunds=1)
    assert complaints([saw(Saw.WITHDRAWN, Saw.REFUNDED)], [CREDIT], [refunded], [row]) == ["doubled"]


def test_a_renewal_that_was_credited_and_refunded_is_doubled() -> None:
    assert complaints(captures=[replace(CAPTURE, refunds=1)]) == ["doubled"]


def test_two_payments_kept_for_one_renewal_are_doubled() -> None:
    assert complaints(captures=[CAPTURE, replace(CAPTURE, id="cap2")]) == ["doubled"]


def test_money_that_went_back_twice_is_doubled() -> None:
    twice = replace(CAPTURE, id="cap2", refunds=2)
    assert complaints(captures=[CAPTURE, twice]) == ["doubled"]


def test_two_orders_of_one_confirmation_are_doubled() -> None:
    second = replace(ROW, order="B", state="ordered", reference="ref2")
    assert complaints([replace(ERRAND, orders={"A", "B"})], rows=[ROW, second]) == ["doubled"]


def test_the_files_are_read_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    log = ClientLog(tmp_path / "clients/01.jsonl")
    log.write("01-0001", None, card="8981", plan="GB-1")
    log.write("01-0001", Saw.ORDER, number="A")
    log.write("01-0001", Saw.PAID, payment="pay")
    log.write("01-0001", Saw.ACTIVE)
    log.close()
    history = [{"id": "A1", "reference": "ref", "iccid": "8981", "plan_code": "GB-1", "terms": {}}]
    money = {"payment": {"id": "pay"}, "capture": {"id": "cap"}, "amount": {"amount_minor": 300, "currency": "JPY"}}
    books = [
        {"is": "webhook", "url": "http://localhost"},
        {"is": "payment", "payment": {"id": "pay", "order_number": "A"}},
        {"is": "event", "event": {"type": "payment.failed", "payment": {"id": "pay"}}},
        {"is": "event", "event": {"type": "payment.captured", **money}},
        {"is": "event", "event": {"type": "refund.done", **money}},
    ]
    for name, lines in (("history", history), ("books", books)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    assert read_errands(tmp_path / "clients") == [ERRAND]
    assert read_credits(tmp_path / "history") == [CREDIT]
    assert read_captures(tmp_path / "books") == [replace(CAPTURE, refunds=1)]


def test_books_of_a_provider_that_are_not_our_ledgers_are_complained_of() -> None:
    evidence = Evidence(errands=[], credits=[], captures=[], rows=[], held_captures=frozenset())
    for theirs, ours, kinds in [(300, 300, []), (600, 300, ["lost"]), (0, 300, ["doubled"])]:
        told = replace(evidence, books={"stripe": theirs}, ledger={"stripe": ours})
        assert [complaint.kind for complaint in judge(told)] == kinds
