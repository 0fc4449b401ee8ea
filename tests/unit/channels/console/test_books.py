# SPDX-License-Identifier: Apache-2.0
"""Differences, settlement files and figures of sales, as finance sees them."""

import csv
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.unit.channels.console.conftest import do, make_difference

if TYPE_CHECKING:
    from tsuzuku.reports.models import SettlementDifference
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

LISTS = ("differences", "settlements")


@pytest.fixture
def difference(house: "House") -> "SettlementDifference":
    """Three orders were paid, and the provider's file tells of two."""
    from tsuzuku.testing.factories import make_card, make_plan

    make_plan()
    for _ in range(3):
        house.pay(house.order(make_card(), "GB-1-3D"))
    return make_difference(house)


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_difference_says_what_is_the_case_and_is_seen_to(
    difference: "SettlementDifference", as_role: Callable[[str], Client]
) -> None:
    finance = as_role("finance")
    assert difference.purpose in text_of(finance, "/console/differences/?state=open")
    sheet = text_of(finance, f"/console/differences/{difference.pk}")
    assert f"Our books have a payment of ¥300 ({difference.our_reference}) for {difference.purpose}" in sheet
    assert "november.csv" in sheet
    address = f"/console/differences/{difference.pk}/settle-difference"
    assert do(finance, address) == "Done: Mark the difference as seen to."
    difference.refresh_from_db()
    assert (difference.note, difference.resolved_by.startswith("staff:")) == ("they asked", True)
    assert difference.purpose not in text_of(finance, "/console/differences/?state=open")
    assert difference.purpose in text_of(finance, "/console/differences/?state=resolved")
    assert finance.get(address, follow=True).redirect_chain != []


def test_a_file_says_what_it_comes_to(difference: "SettlementDifference", as_role: Callable[[str], Client]) -> None:
    finance = as_role("finance")
    sheet = text_of(finance, f"/console/settlements/{difference.file_id}")
    assert "payment 2 ¥600 ¥2" in sheet
    assert "only in our books" in sheet
    assert "november.csv" in text_of(finance, "/console/settlements/?provider=fake")


def test_sales_are_shown_and_downloaded(difference: "SettlementDifference", as_role: Callable[[str], Client]) -> None:
    finance = as_role("finance")
    answer = finance.get("/console/sales/", {"by": "plan"})
    page = answer.content.decode()
    assert page.count('<svg class="bars"') == 2
    assert "style=" not in page[page.index("<main") :]
    assert "GB-1-3D" in page
    assert "¥900" in page
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    file = finance.get("/console/sales.csv")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="sales-[0-9-]+\.csv"', file.headers["Content-Disposition"])
    heading, row = csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline=""))
    assert heading[:4] == ["day", "channel", "method", "plan"]
    assert row[1:] == ["web", "fake:fake", "GB-1-3D", "JPY", "0", "3", "900", "0", "0", "900"]


@pytest.mark.parametrize("asked", [{"first": "soon"}, {"first": "2026-11-02", "last": "2026-11-01"}, {"by": "colour"}])
def test_days_that_cannot_be_are_said_to_be_so(manager: Client, asked: dict[str, str]) -> None:
    page = manager.get("/console/sales/", asked)
    assert page.status_code == 200
    assert 'class="mistake"' in page.content.decode()
    assert manager.get("/console/sales.csv", asked).status_code == 400


def test_days_without_sales_are_said_to_be_so(manager: Client) -> None:
    assert "Nothing was sold in these days." in text_of(manager, "/console/sales/")


@pytest.mark.parametrize("path", ["differences/", "settlements/", "sales/", "sales.csv"])
def test_support_sees_none_of_it(as_role: Callable[[str], Client], path: str) -> None:
    assert as_role("support").get(f"/console/{path}").status_code == 403


def test_more_rows_cost_no_more_queries(difference: "SettlementDifference", manager: Client) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert manager.get(path).status_code == 200
        return len(caught)

    paths = [f"/console/{name}/" for name in LISTS] + [f"/console/settlements/{difference.file_id}"]
    before = [queries(path) for path in paths]
    file = difference.file
    for place in range(2):
        file.pk, file.sha256 = None, f"{place}"
        file.save()
        difference.pk, difference.capture, difference.kind = None, None, "missing-here"
        difference.save()
    assert [queries(path) for path in paths] == before
