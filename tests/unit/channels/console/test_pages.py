# SPDX-License-Identifier: Apache-2.0
"""Lists and sheets: what is found, what is shown, and that more rows cost no more queries."""

import re
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.unit.channels.console.conftest import Rows

if TYPE_CHECKING:
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

LISTS = ("orders", "payments", "refunds", "proposals", "disputes", "promotions", "cards", "partners", "trail")


def multiply(rows: Rows) -> None:
    """Two more of everything, each with relations of its own."""
    import uuid

    from tsuzuku.kernel import clock
    from tsuzuku.orders.numbers import new_number
    from tsuzuku.people.models import User
    from tsuzuku.people.staff import add_staff
    from tsuzuku.testing.factories import make_card, make_partner, make_promotion

    for place in range(2):
        capture = rows.proposal.capture
        payment, order, dispute = capture.payment, rows.order, rows.dispute
        order.pk, order.number = None, new_number()
        order.payer = User.objects.create_user(f"payer{place}@example.com")
        order.save()
        payment.pk, payment.key, payment.reference, payment.purpose = None, uuid.uuid4(), f"p{place}", order.number
        payment.save()
        capture.pk, capture.payment, capture.reference = None, payment, f"c{place}"
        capture.save()
        for row in (rows.refund, rows.proposal):
            row.pk, row.key, row.capture = None, uuid.uuid4(), capture
            row.save()
        dispute.pk, dispute.reference, dispute.capture = None, f"d{place}", capture
        dispute.save()
        make_card()
        make_promotion(f"MORE-{place}")
        make_partner(name=f"Partner {place}")
        add_staff(email=f"more{place}@example.com", role="support", actor="operator", now=clock.now())


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


def test_more_rows_cost_no_more_queries(rows: Rows, manager: Client) -> None:
    paths = [f"/console/{name}/" for name in LISTS] + ["/console/"]
    few = {path: queries(manager, path) for path in paths}
    multiply(rows)
    assert {path: queries(manager, path) for path in paths} == few
    assert max(few.values()) <= 14


def found(client: Client, name: str, text: str) -> list[str]:
    page = client.get(f"/console/{name}/", {"q": text}).content.decode()
    return re.findall(rf'href="(/console/{name}/\d+)', page)


def test_an_order_is_found_by_number_card_and_address(rows: Rows, house: "House", manager: Client) -> None:
    card = house.renewal(rows.order).card
    here = [f"/console/orders/{rows.order.pk}"]
    assert found(manager, "orders", rows.order.number.lower().replace("-", " ")) == here
    assert found(manager, "orders", f"{card.iccid[:4]} {card.iccid[4:]}") == here
    assert len(found(manager, "orders", "Traveller@example.com")) == 2
    for nothing in ("nobody@example.com", "1234567890123456789", "what", "%"):
        assert found(manager, "orders", nothing) == []


def test_what_is_searched_is_found_elsewhere_too(rows: Rows, house: "House", manager: Client) -> None:
    card = house.renewal(rows.order).card
    number = rows.order.number
    assert found(manager, "cards", card.iccid) == [f"/console/cards/{card.pk}"]
    assert found(manager, "refunds", number) == [f"/console/refunds/{rows.refund.pk}"]
    # And the one that led to the refund.
    newest, _older = found(manager, "proposals", number)
    assert newest == f"/console/proposals/{rows.proposal.pk}"
    assert found(manager, "disputes", rows.dispute.reference) == [f"/console/disputes/{rows.dispute.pk}"]
    assert len(found(manager, "payments", number)) == 1
    assert found(manager, "promotions", "sale") == [f"/console/promotions/{rows.promotion.pk}"]
    assert found(manager, "partners", rows.partner.name[:3]) == [f"/console/partners/{rows.partner.pk}"]


@pytest.mark.parametrize("text", ["\x00", "'", "x" * 5000, "汉字", "9" * 400])
def test_no_search_breaks_a_list(manager: Client, text: str) -> None:
    assert {manager.get(f"/console/{name}/", {"q": text}).status_code for name in LISTS} == {200}


def test_a_list_is_narrowed_by_state(rows: Rows, manager: Client) -> None:
    page = manager.get("/console/refunds/?state=done").content.decode()
    assert "Nothing was found." in page
    assert f"/console/refunds/{rows.refund.pk}" in manager.get("/console/refunds/?state=failed").content.decode()


def test_the_sheet_of_an_order_has_its_whole_story(rows: Rows, manager: Client) -> None:
    page = manager.get(f"/console/orders/{rows.order.pk}").content.decode()
    boxes = re.findall(r"<h2>([^<]+)</h2>", page.partition("<main")[2])
    assert boxes == [
        "Order",
        "Price",
        "Renewal",
        "What became of the renewal",
        "Payments",
        "Money taken",
        "Refunds",
        "Proposals to give money back",
        "Disputes",
        "What the provider told",
        "What became of the order",
    ]
    assert "waits for a second person" in page
    assert "GB-20-30D" in page


def test_a_preview_of_a_price_names_every_promotion(rows: Rows, manager: Client) -> None:
    page = manager.get("/console/promotions/preview?plan=gb-20-30d&channel=web&coupon=NONE").content.decode()
    assert [line for line in ("¥1,000", "−¥50", "¥950", "There is no such coupon.") if line not in page] == []
    unknown = manager.get("/console/promotions/preview?plan=X&channel=web").content.decode()
    assert "No such plan is sold at this door now." in unknown


def test_nothing_secret_is_on_a_page(rows: Rows, house: "House", manager: Client) -> None:
    card = house.renewal(rows.order).card
    page = manager.get(f"/console/cards/{card.pk}").content.decode()
    assert card.public_token not in page
    assert bytes(card.pin_hash or b"").hex() not in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_can_be_read_in_every_language(rows: Rows, manager: Client, language: str) -> None:
    manager.cookies["tsuzuku_language"] = language
    for name in LISTS:
        assert manager.get(f"/console/{name}/").status_code == 200
    assert f'<html lang="{language}">' in manager.get("/console/").content.decode()
