# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku import`, as an operator and as a script see it."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tsuzuku.carriers.registry import using_carrier
from tsuzuku.project.commands.import_ import command
from tsuzuku.testing.fakes import FakeCarrier

STOCK = (files("tsuzuku.testing") / "data" / "card-stock-carrier.csv").read_bytes()
PLANS = (files("tsuzuku.testing") / "data" / "plans.json").read_bytes()
ICCID = "8981200961153878263"

pytestmark = pytest.mark.django_db(transaction=True)


def _run(*words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


def _json(*words: str, exit_code: int = 0) -> dict[str, Any]:
    result = _run(*words, "--json")
    assert result.exit_code == exit_code
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    path = tmp_path / "stock.csv"
    path.write_bytes(STOCK)
    return path


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    path = tmp_path / "plans.json"
    path.write_bytes(PLANS)
    return path


def test_cards_for_a_script(stock: Path) -> None:
    about = {"encoding": "Shift_JIS", "delimiter": ",", "headings_ignored": [], "refused": 3, "blank": 1}
    problems = {
        "problems": [
            {"line": 42, "code": "iccid-check-digit"},
            {"line": 53, "code": "iccid-duplicate"},
            {"line": 72, "code": "iccid-malformed"},
        ],
        "problems_left_out": 0,
    }
    first = {"accepted": 477, "changed": 0, "updated": 0, "unchanged": 0}
    second = {"accepted": 0, "changed": 0, "updated": 0, "unchanged": 477}
    assert _json("cards", str(stock)) == {**about, **first, **problems}
    assert _json("cards", str(stock)) == {**about, **second, **problems}
    stock.write_bytes(STOCK.replace(b",9652,", b",0042,").replace(b",3052,", b",0042,"))
    changed = STOCK.count(b",9652,") + STOCK.count(b",3052,")
    assert _json("cards", str(stock))["changed"] == changed
    applied = _json("cards", str(stock), "--update")
    assert (applied["changed"], applied["updated"], applied["unchanged"]) == (changed, changed, 477 - changed)
    assert _json("cards", str(stock))["unchanged"] == 477


def test_cards_for_a_person(stock: Path) -> None:
    result = _run("cards", str(stock))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"{stock}, read as Shift_JIS:",
        "      477  accepted",
        "        0  changed, left as they were: --update applies them",
        "        0  unchanged",
        "        3  refused",
        "        1  blank",
        "Refused lines:",
        (
            "  line 42: iccid-check-digit, the card number's check digit does not fit: "
            "it was mistyped, or a spreadsheet rounded it; ask the carrier"
        ),
        "  line 53: iccid-duplicate, the card stands on an earlier line already; that line counts",
        (
            "  line 72: iccid-malformed, the card number is not 19 digits; "
            "a spreadsheet may have rounded it: export that column as text"
        ),
    ]


def test_whose_cards_they_are(stock: Path) -> None:
    from tsuzuku.cards.models import Card

    assert _run("cards", str(stock), "--carrier", "sandbox").exit_code == 0
    with using_carrier("mynet", FakeCarrier()):
        Card.objects.filter(iccid=ICCID).delete()
        assert _json("cards", str(stock), "--carrier", "mynet")["accepted"] == 1
        assert Card.objects.get(iccid=ICCID).carrier == "mynet"
        assert Card.objects.filter(carrier="sandbox").count() == 476
        refused = _run("cards", str(stock))
    assert (refused.exit_code, refused.stdout) == (2, "")
    told = "Invalid value for --carrier: there are several carriers: choose one of sandbox, mynet"
    assert refused.stderr.splitlines()[-1] == f"Error: {told}"


def test_a_carrier_that_there_is_not(stock: Path) -> None:
    refused = _run("cards", str(stock), "--carrier", "mynet")
    assert refused.exit_code == 2
    told = "Invalid value for --carrier: there is no carrier named 'mynet': choose one of sandbox"
    assert refused.stderr.splitlines()[-1] == f"Error: {told}"


def test_a_screenful_of_refused_lines_and_the_columns_not_read(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("ICCID,kind,PIN,note\n" + "x,SIM,1234,\n" * 60, encoding="utf-8")
    lines = _run("cards", str(path)).stdout.splitlines()
    assert (lines[6], lines[7], len(lines)) == ("Columns not read: note.", "Refused lines:", 59)
    assert lines[-1] == "  and 10 more, which --json names."


def test_a_file_without_headings_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(f"{ICCID},SIM,1234\n", encoding="utf-8")
    reason = (
        "There are no headings in the first 20 lines (read as UTF-8). "
        "One must say ICCID / ICCID番号 / SIM番号 / SIMカード番号."
    )
    result = _run("cards", str(path))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"{path}: {reason}\n")
    assert _json("cards", str(path), exit_code=1) == {"error": {"code": "stock-file-refused", "reason": reason}}


def test_plans_for_a_script(plans: Path) -> None:
    nothing: dict[str, list[object]] = {"notices": [], "mistakes": []}
    first = {"plans": 16, "new": 16, "changed": 0, "unchanged": 0, "new_prices": 15}
    second = {"plans": 16, "new": 0, "changed": 0, "unchanged": 16, "new_prices": 0}
    assert _json("plans", str(plans)) == {**first, **nothing}
    assert _json("plans", str(plans)) == {**second, **nothing}


def test_plans_for_a_person(plans: Path) -> None:
    body = json.loads(PLANS)
    del body["plans"][0]["name"]["ko"]
    plans.write_text(json.dumps(body), encoding="utf-8")
    result = _run("plans", str(plans))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"{plans}:",
        "       16  plans",
        "       16  new",
        "        0  changed",
        "        0  unchanged",
        "       15  new prices",
        "Worth a look:",
        "  DAY-1, name.ko: name-missing, no name in this language: people who read it get the English one",
    ]


def test_every_mistake_of_a_plan_file_is_named(plans: Path) -> None:
    body = json.loads(PLANS)
    body["plans"][0]["price_minor"] = "480"
    body["plans"][1]["colour"] = "red"
    body["plans"][2]["joins"] = ["NOWHERE"]
    plans.write_text(json.dumps(body), encoding="utf-8")
    result = _run("plans", str(plans))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"{plans} has mistakes, so nothing was imported:",
        "  DAY-1, price_minor: value-malformed, the value is missing or not of the right kind",
        "  DAY-3, colour: field-unknown, there is no such field",
        "  DAY-7, joins: plan-joins-unknown, it names a plan that is neither in the file nor in the catalogue",
    ]
    assert _json("plans", str(plans), exit_code=1) == {
        "notices": [],
        "mistakes": [
            {"plan": "DAY-1", "field": "price_minor", "code": "value-malformed"},
            {"plan": "DAY-3", "field": "colour", "code": "field-unknown"},
            {"plan": "DAY-7", "field": "joins", "code": "plan-joins-unknown"},
        ],
    }


def test_what_is_not_json(plans: Path) -> None:
    plans.write_text('{"plans": [}', encoding="utf-8")
    result = _run("plans", str(plans))
    assert result.exit_code == 1
    assert result.stderr == f"{plans} is not JSON: Expecting value: line 1 column 12 (char 11)\n"


@pytest.mark.parametrize("kind", ["cards", "plans"])
def test_a_file_that_is_not_there(kind: str, tmp_path: Path) -> None:
    assert _run(kind, str(tmp_path / "nothing")).exit_code == 2


def test_rates_for_a_person_and_for_a_script() -> None:
    path = str(files("tsuzuku.testing") / "data" / "rates.csv")
    result = _run("rates", path)
    assert (result.exit_code, result.stdout) == (0, f"{path}:\n        7  new\n        0  unchanged\n")
    assert _json("rates", path) == {"new": 7, "unchanged": 0, "mistakes": []}


def test_every_mistake_of_a_file_of_rates_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("currency,jpy_per_unit\nCNY,20\nYEN,1\nUSD,-1\n")
    result = _run("rates", str(path))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{path} has mistakes, so nothing was imported:",
        "  entry 2: currency-malformed, it names no currency of ISO 4217, or yen itself",
        "  entry 3: rate-malformed, it needs one of jpy_per_unit and units_per_jpy, a number above zero that can be",
    ]
    assert _json("rates", str(path), exit_code=1)["mistakes"] == [
        {"entry": 2, "code": "currency-malformed"},
        {"entry": 3, "code": "rate-malformed"},
    ]
