# SPDX-License-Identifier: Apache-2.0
"""Importing card stock: the carrier's file as it is, again, changed, by two at once, and killed half-way."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from tsuzuku.cards import actions
from tsuzuku.cards.actions import StockImport, import_cards, open_with_pin
from tsuzuku.cards.errors import CardNotOpened, StockFileRefused
from tsuzuku.cards.models import Card, CardKind
from tsuzuku.cards.protection import reveal_activation_code
from tsuzuku.cards.stock_file import Problem

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
STOCK = (files("tsuzuku.testing") / "data" / "card-stock-carrier.csv").read_bytes()
HEADINGS = "ICCID,IMSI,phone,kind,activation code,PIN,expiry,group"
FIRST, SECOND, THIRD = "8981200961153878263", "8981200712316857581", "8981100315814104232"
REFUSED = {Problem.ICCID_CHECK_DIGIT: 1, Problem.ICCID_DUPLICATE: 1, Problem.ICCID_MALFORMED: 1}
PROBLEMS = [(42, Problem.ICCID_CHECK_DIGIT), (53, Problem.ICCID_DUPLICATE), (72, Problem.ICCID_MALFORMED)]


@dataclass(frozen=True)
class Counts:
    accepted: int = 0
    changed: int = 0
    updated: int = 0
    unchanged: int = 0
    blank: int = 0
    refused: int = 0


def _counts(result: StockImport) -> Counts:
    return Counts(
        accepted=result.accepted,
        changed=result.changed,
        updated=result.updated,
        unchanged=result.unchanged,
        blank=result.blank,
        refused=sum(result.refused.values()),
    )


def _import(*lines: str, update: bool = False) -> Counts:
    return _counts(
        import_cards(file=BytesIO("\r\n".join([HEADINGS, *lines]).encode()), carrier="mynet", update=update, now=LATER)
    )


def _kept() -> list[tuple[object, ...]]:
    """All of all cards but what is drawn at random or tells when."""
    return list(
        Card.objects.order_by("iccid").values_list(
            "iccid",
            "imsi",
            "msisdn",
            "kind",
            "activation_code_encrypted",
            "pin_hash",
            "last_use_date",
            "group",
            "blocked",
        )
    )


@pytest.mark.django_db
def test_the_carriers_file_gives_its_known_figures_the_first_and_the_second_time() -> None:
    first = import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=NOW)
    assert _counts(first) == Counts(accepted=477, refused=3, blank=1)
    assert (first.refused, first.problems) == (REFUSED, PROBLEMS)
    kept = _kept()
    second = import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=LATER)
    assert _counts(second) == Counts(unchanged=477, refused=3, blank=1)
    assert (second.refused, second.problems) == (REFUSED, PROBLEMS)
    third = import_cards(file=BytesIO(STOCK), carrier="mynet", update=True, now=LATER)
    assert _counts(third) == Counts(unchanged=477, refused=3, blank=1)
    assert _kept() == kept
    assert set(Card.objects.values_list("created_at", "carrier", "group", "blocked")) == {(NOW, "mynet", "", "")}


@pytest.mark.django_db
def test_an_imported_card_is_all_that_its_line_says() -> None:
    import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=NOW)
    card = open_with_pin(iccid_text="8981200712316857581", pin="6037", address="203.0.113.7", now=NOW)
    assert (card.imsi, card.msisdn, card.kind, card.last_use_date) == (
        "440209851192604",
        "+817028578414",
        CardKind.ESIM,
        date(2027, 9, 30),
    )
    assert reveal_activation_code(card) == "LPA:1$rsp.example-carrier.jp$YP7P5K6MLUTCBYU3"
    damaged = open_with_pin(iccid_text="8981200320637274641", pin="2207", address="203.0.113.7", now=NOW)
    assert damaged.last_use_date == date(2028, 3, 31)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "line",
    [
        f"{FIRST},,,SIM,,9999,,",
        f"{FIRST},,,SIM,LPA:1$other.example.jp$A,,,",
        f"{FIRST},440201583104375,,SIM,,,,",
        f"{FIRST},,+817073530404,SIM,,,,",
        f"{FIRST},,,eSIM,,,,",
        f"{FIRST},,,SIM,,,2028/03/31,",
        f"{FIRST},,,SIM,,,,spring",
    ],
)
def test_a_change_is_told_and_applied_only_with_update(line: str) -> None:
    _import(
        f"{FIRST},440201583104374,+817073530403,SIM,LPA:1$rsp.example.jp$A,9652,2027/03/31,winter",
        f"{SECOND},,,SIM,,,,",
    )
    kept = _kept()
    again = f"{SECOND},,,SIM,,,,"
    assert _import(line, again) == Counts(changed=1, unchanged=1)
    assert _kept() == kept
    assert _import(line, again, update=True) == Counts(changed=1, updated=1, unchanged=1)
    (before,) = (row for row in kept if row[0] == FIRST)
    (after,) = (row for row in _kept() if row[0] == FIRST)
    assert sum(was != is_ for was, is_ in zip(before, after, strict=True)) == 1
    assert _import(line, again) == Counts(unchanged=2)


@pytest.mark.django_db
def test_what_a_file_does_not_say_stays() -> None:
    _import(f"{FIRST},440201583104374,+817073530403,SIM,LPA:1$rsp.example.jp$A,9652,2027/03/31,winter")
    kept = _kept()
    assert _import(f"{FIRST},,,SIM,,,,", update=True) == Counts(unchanged=1)
    assert _kept() == kept


@pytest.mark.django_db
def test_a_changed_pin_opens_the_card_and_the_old_one_does_not() -> None:
    _import(f"{FIRST},,,SIM,,9652,,")
    _import(f"{FIRST},,,SIM,,0042,,", update=True)
    assert open_with_pin(iccid_text=FIRST, pin="0042", address="203.0.113.7", now=NOW).iccid == FIRST
    with pytest.raises(CardNotOpened):
        open_with_pin(iccid_text=FIRST, pin="9652", address="203.0.113.7", now=NOW)


@pytest.mark.django_db
def test_a_known_card_stays_its_carriers() -> None:
    def line(iccid: str, pin: str) -> bytes:
        return f"ICCID,kind,PIN\n{iccid},SIM,{pin}\n".encode()

    import_cards(file=BytesIO(line(FIRST, "9652")), carrier="mynet", update=False, now=NOW)
    for said in (line(FIRST, "0042"), line(SECOND, "1234")):
        import_cards(file=BytesIO(said), carrier="other", update=True, now=LATER)
    assert dict(Card.objects.values_list("iccid", "carrier")) == {FIRST: "mynet", SECOND: "other"}
    assert open_with_pin(iccid_text=FIRST, pin="0042", address="203.0.113.7", now=NOW).carrier == "mynet"


@pytest.mark.django_db
def test_portions_do_not_change_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PORTION", 7)
    positions = []
    file = BytesIO(STOCK)
    first = import_cards(
        file=file, carrier="mynet", update=False, now=NOW, on_progress=lambda: positions.append(file.tell())
    )
    assert _counts(first) == Counts(accepted=477, refused=3, blank=1)
    assert len(positions) == 69
    assert all(one <= next_ for one, next_ in pairwise(positions))
    assert positions[-1] == len(STOCK)


@pytest.mark.django_db
def test_only_the_first_problems_are_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PROBLEMS_MAX", 2)
    result = import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=NOW)
    assert (result.refused, result.problems) == (REFUSED, PROBLEMS[:2])


@pytest.mark.django_db
def test_a_file_that_is_refused_whole_changes_nothing() -> None:
    with pytest.raises(StockFileRefused):
        import_cards(file=BytesIO(f"IMSI,kind,PIN\n{FIRST},SIM,1234\n".encode()), carrier="mynet", update=True, now=NOW)
    assert Card.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PORTION", 20)
    results: list[Counts] = []
    start = threading.Barrier(2)

    def run() -> None:
        with closing(connection):
            start.wait()
            results.append(_counts(import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=NOW)))

    threads = [threading.Thread(target=run) for _time in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(each.accepted for each in results), sum(each.unchanged for each in results)) == (477, 477)
    assert {(each.changed, each.refused, each.blank) for each in results} == {(0, 3, 1)}
    assert Card.objects.count() == 477


IMPORT_SLOWLY = """
import sys, time
from pathlib import Path
import django
django.setup()
from datetime import UTC, datetime
from tsuzuku.cards import actions
actions.PORTION = 10
with Path(sys.argv[1]).open("rb") as file:
    actions.import_cards(file=file, carrier="mynet", update=False, now=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
                         on_progress=lambda: time.sleep(0.01))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("killed_after", [1, 200])
def test_an_import_that_was_killed_and_repeated_ends_as_one_that_was_not(killed_after: int, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_bytes(STOCK)
    database = connection.settings_dict
    url = make_conninfo(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"] or None,
        host=database["HOST"],
        port=database["PORT"] or None,
    )
    child = subprocess.Popen(
        [sys.executable, "-c", IMPORT_SLOWLY, str(file)], env=os.environ | {"TSUZUKU_DATABASE_URL": url}
    )
    try:
        deadline = time.monotonic() + 60
        while Card.objects.count() < killed_after and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
    finally:
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    # The server may still be at the killed one's last portion; what it holds then is rolled back or committed whole.
    kept = Card.objects.count()
    assert killed_after <= kept < 477
    result = _counts(import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=NOW))
    assert (result.accepted + result.unchanged, result.changed, result.refused, result.blank) == (477, 0, 3, 1)
    assert result.accepted <= 477 - kept
    ended = _kept()
    Card.objects.all().delete()
    assert _counts(import_cards(file=BytesIO(STOCK), carrier="mynet", update=False, now=NOW)) == Counts(
        accepted=477, refused=3, blank=1
    )
    assert _kept() == ended
