# SPDX-License-Identifier: Apache-2.0
"""Files of readings: of any size, packed, cut, killed half-way, by two at once."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.unit.usage.readings import NOW, ago, give, left, reading
from tsuzuku.cards.models import Card
from tsuzuku.project.commands.import_ import command
from tsuzuku.testing.factories import make_card, make_plan, new_iccid
from tsuzuku.usage import imports
from tsuzuku.usage.actions import Taken, take_readings
from tsuzuku.usage.errors import UsageFileRefused
from tsuzuku.usage.imports import UsageImport, import_usage
from tsuzuku.usage.models import KeptReading, UsageRecord
from tsuzuku.usage.partitions import make_months, months_ahead
from tsuzuku.usage.reading_lines import Reading, Refusal


def _line(card: Card | str, amount: int, number: int) -> str:
    made = reading(card, amount, ago(hours=20, seconds=-number))
    return json.dumps(
        {"record_id": f"r{number}", "iccid": made.iccid, "bytes": amount, "ended_at": made.ended_at.isoformat()}
    )


def _card(**fields: object) -> Card:
    card = make_card()
    give(card, make_plan(**{"data_bytes": 10_000, **fields}), ago(days=1))  # type: ignore[arg-type]  # a plan's fields
    return card


def _import(body: bytes) -> UsageImport:
    return import_usage(file=BytesIO(body), actor="operator", now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_is_drawn_once_however_often_it_is_imported(pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401  # bytes to bytes
    monkeypatch.setattr(imports, "PORTION", 7)
    card = _card()
    lines = [_line(card, 10, number) for number in range(50)]
    lines[20:20] = ["", "nonsense", _line(new_iccid(), 5, 1), _line(card, -1, 99)]
    file = BytesIO(pack("\n".join(lines).encode()))
    positions: list[int] = []
    first = import_usage(file=file, actor="operator", now=NOW, on_progress=lambda: positions.append(file.tell()))

    assert first.taken == Taken(accepted=51, kept_aside=1)
    assert (first.blank, first.refused) == (1, {Refusal.LINE_MALFORMED: 1, Refusal.BYTES_ABSURD: 1})
    assert first.problems == [(22, Refusal.LINE_MALFORMED), (24, Refusal.BYTES_ABSURD)]
    assert left(card) == [9_500]
    assert all(one <= next_ for one, next_ in pairwise(positions))
    assert positions[-1] == len(file.getvalue())

    file.seek(0)
    again = import_usage(file=file, actor="operator", now=NOW)
    assert (again.taken, again.blank, again.refused) == (Taken(duplicates=51), 1, first.refused)
    assert (left(card), KeptReading.objects.count()) == ([9_500], 1)


@pytest.mark.django_db
def test_only_the_first_problems_are_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PROBLEMS_MAX", 2)
    result = _import(b"{\n" * 5)
    assert (result.refused, result.problems) == (
        {Refusal.LINE_MALFORMED: 5},
        [(1, Refusal.LINE_MALFORMED), (2, Refusal.LINE_MALFORMED)],
    )


@pytest.mark.django_db
@pytest.mark.parametrize("damage", [lambda body: body[:-30], lambda body: body[:-8] + b"\0" * 8])
def test_what_was_read_before_a_break_is_drawn_and_the_break_is_told(damage: Any) -> None:  # noqa: ANN401  # bytes to bytes
    card = _card()
    body = gzip.compress("\n".join(_line(card, 1, number) for number in range(2_000)).encode())
    broken = _import(damage(body))

    assert broken.stopped != ""
    assert broken.refused == {}
    assert 0 < broken.taken.accepted <= 2_000
    assert left(card) == [10_000 - broken.taken.accepted]
    whole = _import(body)
    assert (whole.stopped, whole.taken) == (
        "",
        Taken(accepted=2_000 - broken.taken.accepted, duplicates=broken.taken.accepted),
    )


@pytest.mark.django_db
def test_a_file_that_unpacks_too_far_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "UNPACKED_ANYWAY", 1_000_000)
    result = _import(gzip.compress(b"{" + b" " * 30_000_000))
    assert result.stopped == "it unpacks to more than 200 times its size, as no readings do"


@pytest.mark.django_db
def test_a_file_that_is_refused_whole_changes_nothing() -> None:
    with pytest.raises(UsageFileRefused):
        _import(b"one,two\n")


@pytest.mark.django_db(transaction=True)
def test_a_person_and_a_script_are_told_what_became_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "readings.ndjson"
    # The command reads the real clock.
    now, card = datetime.now(UTC), make_card()
    give(card, make_plan(data_bytes=10_000), now - timedelta(days=1))
    good = json.dumps({"record_id": "r", "iccid": card.iccid, "bytes": 20_000, "ended_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
    file.write_text(f"{good}\nnonsense\n\n")
    runner = CliRunner()
    told = runner.invoke(command, ["usage", str(file)], catch_exceptions=False)

    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        f"{file}:",
        "        1  accepted",
        "        0  of them kept aside, since the card is unknown or the reading too old",
        "        0  duplicates",
        "        1  refused",
        "        1  blank",
        "Of the data, 10,000 bytes were served by no lot and 0 bytes not at full speed.",
        "Refused lines:",
        (
            "  line 2: line-malformed, a field is missing or not what it should be, "
            "or the line is cut, too long, or not UTF-8"
        ),
    ]
    script = runner.invoke(command, ["usage", str(file), "--json"], catch_exceptions=False)
    assert (script.exit_code, json.loads(script.stdout)) == (
        0,
        {
            "accepted": 0,
            "duplicates": 1,
            "kept_aside": 0,
            "unserved_bytes": 0,
            "throttled_bytes": 0,
            "refused": 1,
            "blank": 1,
            "problems": [{"line": 2, "code": "line-malformed"}],
            "problems_left_out": 0,
            "stopped": None,
        },
    )
    file.write_text("one,two\n")
    refused = runner.invoke(command, ["usage", str(file)], catch_exceptions=False)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    file.write_bytes(gzip.compress(good.encode())[:-3])
    cut = runner.invoke(command, ["usage", str(file)], catch_exceptions=False)
    assert (cut.exit_code, cut.stderr) == (1, f"{file}: it is cut off: copy it again, and import it again\n")


# -- several at once, and killed ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("many", [1, 10**9], ids=["in numbers", "by the rules"])
def test_two_that_send_the_same_at_once_draw_it_once(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsuzuku.usage.actions.MANY", many)
    cards = [_card() for _ in range(20)]
    stranger = new_iccid()
    readings: list[Reading] = [
        reading(card, 1, ago(hours=20, seconds=-number), f"r{number}") for number in range(20) for card in cards
    ]
    readings += [reading(stranger, 1, ago(hours=1), f"r{number}") for number in range(10)]
    answers: list[Taken] = []
    start = threading.Barrier(3)

    def run(mine: list[Reading]) -> None:
        with closing(connection):
            start.wait()
            for begin in range(0, len(mine), 70):
                portion = mine[begin : begin + 70]
                answers.append(take_readings(readings=portion, actor="partner:1", card_groups=None, now=NOW))

    orders = [readings, readings[::-1], readings[200:] + readings[:200]]
    threads = [threading.Thread(target=run, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(answers, Taken())
    assert (total.accepted, total.duplicates, total.kept_aside) == (410, 820, 10)
    assert [left(card) for card in cards] == [[9_980]] * 20
    assert UsageRecord.objects.count() == 400


IMPORT_SLOWLY = """
import sys, time
from pathlib import Path
import django
django.setup()
from datetime import UTC, datetime
from tsuzuku.usage import imports
imports.PORTION = 600
with Path(sys.argv[1]).open("rb") as file:
    imports.import_usage(file=file, actor="operator", now=datetime(2026, 11, 20, 1, 0, tzinfo=UTC),
                         on_progress=lambda: time.sleep(0.02))
"""


def _url() -> str:
    database = connection.settings_dict
    return make_conninfo(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"] or None,
        host=database["HOST"],
        port=database["PORT"] or None,
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("killed_after", [1, 5_000])
def test_an_import_that_was_killed_and_repeated_ends_as_one_that_was_not(killed_after: int, tmp_path: Path) -> None:
    make_months(months_ahead(NOW))
    cards = [_card() for _ in range(12)]
    file = tmp_path / "readings.ndjson"
    file.write_text("\n".join(_line(cards[number % 12], 5, number) for number in range(12_000)))
    child = subprocess.Popen(
        [sys.executable, "-c", IMPORT_SLOWLY, str(file)], env=os.environ | {"TSUZUKU_DATABASE_URL": _url()}
    )
    try:
        deadline = time.monotonic() + 60
        while UsageRecord.objects.count() < killed_after and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
    finally:
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    kept = UsageRecord.objects.count()
    assert killed_after <= kept < 12_000
    result = _import(file.read_bytes())
    assert result.taken.accepted + result.taken.duplicates == 12_000
    assert result.taken.accepted <= 12_000 - kept
    assert [left(card) for card in cards] == [[5_000]] * 12
    assert UsageRecord.objects.count() == 12_000


@pytest.mark.django_db
def test_ten_thousand_lines_for_one_card() -> None:
    card = _card(daily_bytes=9_000)
    result = _import("\n".join(_line(card, 1, number) for number in range(10_000)).encode())

    assert result.taken.accepted == 10_000
    assert left(card) == [10_000 - (10_000 - result.taken.throttled_bytes)]
