# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku import promotions` and `tsuzuku promotion`, as an operator and as a script see them."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tsuzuku.catalog.models import Coupon, Promotion
from tsuzuku.catalog.promotions import Why
from tsuzuku.project.cli import tsuzuku
from tsuzuku.project.commands.promotion import WHY
from tsuzuku.testing.factories import make_card, make_plan, make_promotion
from tsuzuku.testing.house import open_house

EXAMPLE = (files("tsuzuku.testing") / "data" / "promotions.json").read_bytes()
DOCS = Path(__file__).resolve().parents[3] / "docs"

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> Result:
    return CliRunner().invoke(tsuzuku, words, catch_exceptions=False)


def told(*words: str) -> list[str]:
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


def answer(*words: str) -> Any:  # noqa: ANN401  # any JSON
    return json.loads(*told(*words, "--json"))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "promotions.json"
    path.write_bytes(EXAMPLE)
    return path


def test_the_example_twice(example: Path) -> None:
    nothing: dict[str, list[object]] = {"notices": [], "mistakes": []}
    first = {"promotions": 3, "new": 3, "changed": 0, "unchanged": 0}
    assert answer("import", "promotions", str(example)) == {**first, **nothing}
    rows = [list(model.objects.order_by("pk").values()) for model in (Promotion, Coupon)]
    assert told("import", "promotions", str(example)) == [
        f"{example}:",
        "        3  promotions",
        "        0  new",
        "        0  changed",
        "        3  unchanged",
    ]
    assert [list(model.objects.order_by("pk").values()) for model in (Promotion, Coupon)] == rows


def test_the_example_of_the_page_imports(tmp_path: Path) -> None:
    text = (DOCS / "operating/promotions.md").read_text(encoding="utf-8")
    (body,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "page.json"
    path.write_text(body, encoding="utf-8")
    assert json.loads(body) == json.loads(EXAMPLE)
    assert answer("import", "promotions", str(path))["new"] == 3


def test_what_differs_is_changed_and_what_was_taken_off_stays_counted(example: Path) -> None:
    make_plan("MONTH", price_minor=990)
    told("import", "promotions", str(example))
    with open_house() as house:
        house.order(make_card(), "MONTH", coupon="WELCOME2027")
    body = json.loads(EXAMPLE)
    body["promotions"][0]["coupons"] = ["WELCOME-2028", "WELCOME-2029"]
    body["promotions"][1]["budget_minor"] = 5
    del body["promotions"][2]
    example.write_text(json.dumps(body), encoding="utf-8")
    assert answer("import", "promotions", str(example))["changed"] == 2
    assert list(Coupon.objects.order_by("code").values_list("code", flat=True)) == ["WELCOME2028", "WELCOME2029"]
    assert list(Promotion.objects.order_by("code").values_list("code", "uses", "spent_minor", "budget_minor")) == [
        ("SPEND-AND-SAVE", 0, 0, None),
        ("SPRING-FESTIVAL", 0, 0, 5),
        ("WELCOME", 1, 100, None),
    ]


def test_coupons_move_from_one_promotion_to_another(tmp_path: Path) -> None:
    make_promotion("A", coupons=["AAAA1111"])
    make_promotion("B", coupons=["BBBB2222"])
    path = tmp_path / "swap.json"
    promotions = [
        {"code": code, "name": {"en": code}, "takes_off": {"amount_minor": 1}, "currency": "JPY", "coupons": [coupon]}
        for code, coupon in (("A", "BBBB2222"), ("B", "AAAA1111"))
    ]
    path.write_text(json.dumps({"promotions": promotions}), encoding="utf-8")
    assert answer("import", "promotions", str(path))["changed"] == 2
    assert dict(Coupon.objects.values_list("code", "promotion__code")) == {"AAAA1111": "B", "BBBB2222": "A"}


def test_a_file_with_a_mistake_changes_nothing(example: Path) -> None:
    body = json.loads(EXAMPLE)
    body["promotions"][1]["takes_off"] = {"percent": 200}
    body["promotions"][2]["plans"] = ["NOWHERE"]
    example.write_text(json.dumps(body), encoding="utf-8")
    result = run("import", "promotions", str(example))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"{example} has mistakes, so nothing was imported:",
        "  SPRING-FESTIVAL, takes_off.percent: value-malformed, the value is missing or not of the right kind",
        "  SPEND-AND-SAVE, plans: plan-unknown, it names a plan that is not in the catalogue",
    ]
    as_json = run("import", "promotions", str(example), "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["mistakes"] == [
        {"promotion": "SPRING-FESTIVAL", "field": "takes_off.percent", "code": "value-malformed"},
        {"promotion": "SPEND-AND-SAVE", "field": "plans", "code": "plan-unknown"},
    ]
    example.write_bytes(EXAMPLE)
    make_promotion("OTHER", coupons=["WELCOME-2027"])
    (line,) = run("import", "promotions", str(example)).stderr.splitlines()[1:]
    assert line.startswith("  WELCOME, coupons.WELCOME2027: coupon-duplicate, another promotion")
    assert list(Promotion.objects.values_list("code", flat=True)) == ["OTHER"]


def test_what_is_not_json(example: Path) -> None:
    example.write_text("{", encoding="utf-8")
    result = run("import", "promotions", str(example))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{example} is not JSON: ")


def test_a_preview_says_line_by_line_what_a_price_would_be(example: Path) -> None:
    make_plan("MONTH", price_minor=3300, on_sale_from="2027-01-01T00:00:00Z")
    told("import", "promotions", str(example))
    words = ["promotion", "preview", "--plan", "MONTH", "--at"]
    assert told(*words, "2027-02-06", "--coupon", "welcome-2027") == [
        "MONTH at web, 2027-02-06 00:00 JST, in JPY:",
        "       3,300  the plan",
        "        -330  SPRING-FESTIVAL",
        "        -100  WELCOME",
        "       2,870  to pay",
        "Not applied:",
        "  SPEND-AND-SAVE: not-better, others take off as much or more, and it does not go together with them",
    ]
    assert told(*words, "2027-03-01T09:00", "--coupon", "NO-SUCH") == [
        "MONTH at web, 2027-03-01 09:00 JST, in JPY:",
        "       3,300  the plan",
        "        -300  SPEND-AND-SAVE",
        "       3,000  to pay",
        "Not applied:",
        "  SPRING-FESTIVAL: outside-festival, the day is outside its festival",
        "  WELCOME: needs-coupon, it asks for one of its coupons",
        "There is no such coupon.",
    ]
    assert answer(*words, "2027-02-06T00:00Z", "--channel", "counter") == {
        "currency": "JPY",
        "full_price_minor": 3300,
        "takes_off": [{"promotion": "SPRING-FESTIVAL", "amount_minor": 330}],
        "price_minor": 2970,
        "not_applied": [
            {"promotion": "SPEND-AND-SAVE", "why": "other-door"},
            {"promotion": "WELCOME", "why": "needs-coupon"},
        ],
        "coupon_unknown": False,
    }


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (["preview", "--plan", "NOWHERE"], 1, "no such plan is sold at this door then"),
        (["preview", "--plan", "NOWHERE", "--at", "tomorrow"], 2, "'tomorrow' is no time"),
        (["withdraw", "NOWHERE"], 1, "`tsuzuku promotion list` has them all"),
        (["offer", "NOWHERE"], 1, "`tsuzuku promotion list` has them all"),
    ],
)
def test_what_does_not_exist(words: list[str], exit_code: int, said: str) -> None:
    result = run("promotion", *words)
    assert (result.exit_code, said in result.stderr) == (exit_code, True)


def test_the_list_says_what_is_used_and_spent() -> None:
    assert told("promotion", "list") == ["There are none."]
    make_plan()
    make_promotion(uses_max=1000, budget_minor=60_000)
    make_promotion("HELLO", coupons=["WELCOME10"])
    with open_house() as house:
        house.order(make_card(), "GB-1-3D")
    assert told("promotion", "withdraw", "HELLO") == ["HELLO is withdrawn."]
    lines = told("promotion", "list")
    assert [re.sub(r"\d{4}-.{11}", "…", line) for line in lines] == [
        f"{'HELLO':<32}  withdrawn … UTC, by coupon: 0 uses, took off 0 JPY",
        f"{'SALE':<32}  open, by itself: 1 of 1,000 uses, took off 50 of 60,000 JPY",
    ]
    assert told("promotion", "offer", "HELLO") == ["HELLO is offered, when and where its rule says."]
    assert answer("promotion", "list")[0] == {
        "code": "HELLO",
        "needs_coupon": True,
        "uses": 0,
        "uses_max": None,
        "spent_minor": 0,
        "budget_minor": None,
        "currency": "JPY",
        "withdrawn_at": None,
    }


def test_an_import_leaves_a_withdrawn_promotion_withdrawn(example: Path) -> None:
    told("import", "promotions", str(example))
    told("promotion", "withdraw", "WELCOME")
    assert told("import", "promotions", str(example))[-2:] == [
        "Worth a look:",
        "  WELCOME, code: promotion-withdrawn, the promotion is withdrawn and stays so",
    ]


def test_every_reason_has_words() -> None:
    assert set(WHY) == {why.value for why in Why}


def test_a_preview_counts_what_a_coupon_has_been_used() -> None:
    make_plan()
    make_promotion(coupons=["AAAA1111", "BBBB2222"], uses_max_per_coupon=1, uses_max_per_customer=1)
    with open_house() as house:
        house.order(make_card(), "GB-1-3D", coupon="AAAA1111")
    prices = {
        coupon: answer("promotion", "preview", "--plan", "GB-1-3D", "--coupon", coupon)["price_minor"]
        for coupon in ("AAAA1111", "BBBB2222")
    }
    assert prices == {"AAAA1111": 300, "BBBB2222": 250}
