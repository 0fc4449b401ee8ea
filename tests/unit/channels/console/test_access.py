# SPDX-License-Identifier: Apache-2.0
"""A walk over every address of the console as everybody."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.unit.channels.conftest import logged_in, make_user
from tests.unit.channels.console.conftest import Rows, let_in, make_staff
from tests.unit.channels.web.test_access import addresses

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.new_cards.models import Parcel
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

#: Answers to a GET of nobody logged in, a customer, staff without a second factor, support, finance and a manager.
#: 302 is to the login, to the second factor, or on from a page that has nothing to do.
GET = {
    "index": (302, 403, 302, 200, 200, 200),
    "mfa_authenticate": (302, 302, 302, 302, 302, 302),
    "mfa_reauthenticate": (302, 403, 302, 200, 200, 200),
    "account_reauthenticate": (302, 403, 200, 200, 200, 200),
    "mfa_index": (302, 403, 302, 200, 200, 200),
    "mfa_deactivate_totp": (302, 403, 302, 200, 200, 200),
    "mfa_activate_totp": (302, 403, 302, 302, 302, 302),
    "mfa_view_recovery_codes": (302, 403, 302, 404, 404, 404),
    "mfa_generate_recovery_codes": (302, 403, 302, 200, 200, 200),
    "console_orderentry_changelist": (302, 403, 302, 200, 200, 200),
    "console_orderentry_change": (302, 403, 302, 200, 200, 200),
    "console_paymententry_changelist": (302, 403, 302, 200, 200, 200),
    "console_paymententry_change": (302, 403, 302, 200, 200, 200),
    "console_refundentry_changelist": (302, 403, 302, 200, 200, 200),
    "console_refundentry_change": (302, 403, 302, 200, 200, 200),
    "console_proposalentry_changelist": (302, 403, 302, 200, 200, 200),
    "console_proposalentry_change": (302, 403, 302, 200, 200, 200),
    "console_disputeentry_changelist": (302, 403, 302, 200, 200, 200),
    "console_disputeentry_change": (302, 403, 302, 200, 200, 200),
    "console_salesentry_changelist": (302, 403, 302, 403, 200, 200),
    "console_salesentry_file": (302, 403, 302, 403, 200, 200),
    "console_differenceentry_changelist": (302, 403, 302, 403, 200, 200),
    "console_differenceentry_change": (302, 403, 302, 403, 200, 200),
    "console_settlemententry_changelist": (302, 403, 302, 403, 200, 200),
    "console_settlemententry_change": (302, 403, 302, 403, 200, 200),
    "console_promotionentry_changelist": (302, 403, 302, 200, 200, 200),
    "console_promotionentry_change": (302, 403, 302, 200, 200, 200),
    "console_promotion_preview": (302, 403, 302, 200, 200, 200),
    "console_cardentry_changelist": (302, 403, 302, 200, 403, 200),
    "console_cardentry_change": (302, 403, 302, 200, 403, 200),
    "console_parcelentry_changelist": (302, 403, 302, 200, 403, 200),
    "console_parcelentry_change": (302, 403, 302, 200, 403, 200),
    "console_partnerentry_changelist": (302, 403, 302, 403, 200, 200),
    "console_partnerentry_change": (302, 403, 302, 403, 200, 200),
    "console_trailentry_changelist": (302, 403, 302, 403, 403, 200),
    "console_trailentry_change": (302, 403, 302, 403, 403, 200),
}
#: The menu's addresses of what was sold and settled.
BOOKS = ("sales", "differences", "settlements")
#: The same for what staff may do, by address and deed; 302 on from a deed that does not fit the row, or to a new code.
DEEDS = {
    ("orders", "resend-receipt"): (302, 403, 302, 200, 200, 200),
    ("orders", "propose-refund"): (302, 403, 302, 200, 200, 200),
    ("orders", "accept-held"): (302, 403, 302, 403, 302, 302),
    ("orders", "return-held"): (302, 403, 302, 403, 302, 302),
    ("proposals", "approve-refund"): (302, 403, 302, 403, 200, 200),
    ("proposals", "decline-refund"): (302, 403, 302, 403, 200, 200),
    ("refunds", "retry-refund"): (302, 403, 302, 403, 200, 200),
    ("refunds", "close-refund"): (302, 403, 302, 403, 200, 200),
    ("disputes", "take-evidence"): (302, 403, 302, 403, 200, 200),
    ("differences", "settle-difference"): (302, 403, 302, 403, 200, 200),
    ("cards", "clear-flags"): (302, 403, 302, 403, 403, 200),
    ("parcels", "pack"): (302, 403, 302, 200, 403, 200),
    ("parcels", "ship"): (302, 403, 302, 302, 403, 302),
    ("parcels", "stop-parcel"): (302, 403, 302, 200, 403, 200),
    ("promotions", "withdraw-promotion"): (302, 403, 302, 403, 403, 200),
    ("promotions", "offer-promotion"): (302, 403, 302, 403, 403, 302),
}


@pytest.fixture
def everybody(house: "House", customer: Client) -> list[Client]:
    bare = make_user("bare@example.com", is_staff=True, is_superuser=True)
    return [
        Client(),
        customer,
        logged_in(bare),
        *(let_in(make_staff(role)) for role in ("support", "finance", "manager")),
    ]


@pytest.fixture
def filled(rows: Rows, card: "Card", parcel: "Parcel") -> dict[str, str]:
    """Every address of the console with one of these rows in it, but those of deeds."""
    from tsuzuku.channels.console.models import TrailEntry
    from tsuzuku.payments.models import Payment

    found = {
        "orders": rows.order.pk,
        "payments": Payment.objects.get(purpose=rows.order.number).pk,
        "refunds": rows.refund.pk,
        "proposals": rows.proposal.pk,
        "disputes": rows.dispute.pk,
        "differences": rows.difference.pk,
        "settlements": rows.difference.file_id,
        "promotions": rows.promotion.pk,
        "cards": card.pk,
        "parcels": parcel.pk,
        "partners": rows.partner.pk,
        "trail": TrailEntry.objects.latest("pk").pk,
    }
    console = {
        name: address
        for name, address in addresses(get_resolver().url_patterns).items()
        if address.startswith("console/") and not name.endswith("_act")
    }
    return {
        name: "/" + address.replace("<int:pk>", str(found.get(address.split("/")[1], "")))
        for name, address in console.items()
    }


def test_every_address_answers_everybody_as_it_should(everybody: list[Client], filled: dict[str, str]) -> None:
    assert set(filled) == set(GET)
    answers = {name: tuple(client.get(address).status_code for client in everybody) for name, address in filled.items()}
    assert answers == GET


def test_every_deed_is_for_whom_it_should_be(everybody: list[Client], rows: Rows, parcel: "Parcel") -> None:
    from tsuzuku.channels.console.deeds import deeds_for

    pks = {
        "orders": rows.order.pk,
        "proposals": rows.proposal.pk,
        "refunds": rows.refund.pk,
        "promotions": rows.promotion.pk,
        "disputes": rows.dispute.pk,
        "cards": rows.flagged.pk,
        "parcels": parcel.pk,
        "differences": rows.difference.pk,
    }
    assert {(slug, deed.name) for slug in pks for deed in deeds_for(slug)} == set(DEEDS)
    paths = {(slug, deed): f"/console/{slug}/{pks[slug]}/{deed}" for slug, deed in DEEDS}
    answers = {deed: tuple(client.get(path).status_code for client in everybody) for deed, path in paths.items()}
    assert answers == DEEDS
    # Who may not see the form may not send it either, with everything in it.
    key = "0b5c1b51-5a44-4a7e-8d0a-0c62ef5b1f2d"
    forged = {"key": key, "reason": "because", "confirmed": "yes"}
    for deed, path in paths.items():
        for client, status in zip(everybody, DEEDS[deed], strict=True):
            if status == 403:
                assert client.post(path, forged).status_code == 403
    assert not acted()


def acted() -> bool:
    from tsuzuku.journal.models import Fact

    return Fact.objects.filter(kind="staff-acted").exists()


def test_there_is_no_such_deed_and_no_such_row(manager: Client, rows: Rows) -> None:
    nowhere = ["orders/0", "orders/99999999999999999999", f"orders/{rows.order.pk}/approve-refund", "people/1", "x"]
    assert [manager.get(f"/console/{path}").status_code for path in nowhere] == [404] * len(nowhere)


def test_a_role_sees_in_the_menu_what_it_may_open(as_role: Callable[[str], Client]) -> None:
    menus = {role: menu(as_role(role)) for role in ("support", "finance", "manager")}
    assert menus == {
        "support": ["orders", "cards", "parcels", "payments", "refunds", "proposals", "disputes", "promotions"],
        "finance": ["orders", "payments", "refunds", "proposals", "disputes", *BOOKS, "promotions", "partners"],
        "manager": [
            *("orders", "cards", "parcels", "payments", "refunds", "proposals", "disputes", *BOOKS),
            *("promotions", "partners", "trail"),
        ],
    }


def menu(client: Client) -> list[str]:
    page = client.get("/console/").content.decode().partition('class="wide"')[2].partition("<main")[0]
    return re.findall(r'href="/console/(\w+)/"', page)


def test_who_leaves_the_staff_is_out_at_once(manager: Client) -> None:
    from tsuzuku.kernel import clock
    from tsuzuku.people.staff import remove_staff

    assert manager.get("/console/").status_code == 200
    remove_staff(email="manager@example.com", actor="operator", now=clock.now())
    assert manager.get("/console/")["Location"].startswith("/login")


def test_another_role_holds_at_once(manager: Client) -> None:
    from tsuzuku.kernel import clock
    from tsuzuku.people.staff import set_role

    set_role(email="manager@example.com", role="support", actor="operator", now=clock.now())
    assert manager.get("/console/trail/").status_code == 403


def test_pages_run_no_script_and_ask_no_other_host_for_anything(manager: Client, filled: dict[str, str]) -> None:
    pages = {name: manager.get(path) for name, path in filled.items() if GET[name][5] == 200}
    for name, page in pages.items():
        markup = page.content.decode()
        assert re.findall(r"<script|<style|\sstyle=|\son\w+=|javascript:", markup) == [], name
        assert re.findall(r'(?:src|href|action)="(?:https?:)?//', markup) == [], name
        assert "no-store" in page["Cache-Control"], name
    policy = dict(part.strip().partition(" ")[::2] for part in pages["index"]["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_a_list_cannot_be_narrowed_by_what_it_does_not_show(manager: Client, card: "Card") -> None:
    """Else whoever sees cards could find out, letter by letter, what is kept of their PINs."""
    for query in ("pin_hash__startswith=a", "group=x", "payer__password__startswith=a"):
        assert manager.get(f"/console/cards/?{query}").status_code in {302, 400}
