# SPDX-License-Identifier: Apache-2.0
"""What staff do, what comes of it, and what the trail keeps."""

import io
import re
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

from tests.unit.channels.console.conftest import Rows, do, let_in, make_staff, told
from tsuzuku.kernel.money import Money

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def trail() -> list[tuple[str, str, str, str]]:
    """Who did what about what and why, oldest first."""
    from tsuzuku.channels.console.models import TrailEntry

    entries = TrailEntry.objects.filter(kind="staff-acted").order_by("pk")
    return [(each.actor, each.body["deed"], each.body["subject"], each.body["reason"]) for each in entries]


def test_one_proposes_and_another_approves(house: "House", rows: Rows, as_role: Callable[[str], Client]) -> None:
    from tsuzuku.payments.models import RefundProposal

    number = rows.order.number
    support, finance = as_role("support"), as_role("finance")
    path = f"/console/orders/{rows.order.pk}/propose-refund"
    capture = rows.proposal.capture_id
    assert do(support, path, capture=capture, amount_minor=100) == "Done: Give money back."
    assert do(support, path, capture=capture, amount_minor=1) == (
        "That is more than can be given back. What is left: ¥0."
    )
    waiting = RefundProposal.objects.get(amount_minor=100)
    assert (waiting.state, waiting.reason) == ("waiting", "they asked")

    assert do(finance, f"/console/proposals/{waiting.pk}/approve-refund") == "Done: Approve the refund."
    house.settle_down()
    house.end_refunds()
    waiting.refresh_from_db()
    assert waiting.refund is not None
    assert (waiting.state, waiting.refund.state) == ("approved", "done")
    assert do(finance, f"/console/proposals/{rows.proposal.pk}/decline-refund") == "Done: Decline the refund."
    actors = [f"staff:{pk}" for pk in staff_pks("support", "finance")]
    assert trail() == [
        (actors[0], "propose-refund", f"order:{number}", "they asked"),
        (actors[1], "approve-refund", f"order:{number}", "they asked"),
        (actors[1], "decline-refund", f"order:{number}", "they asked"),
    ]


def staff_pks(*roles: str) -> list[int]:
    from tsuzuku.people.models import User

    return [User.objects.get(email=f"{role}@example.com").pk for role in roles]


def test_nobody_approves_what_they_proposed(rows: Rows, manager: Client) -> None:
    from tsuzuku.payments.models import RefundProposal

    path = f"/console/orders/{rows.order.pk}/propose-refund"
    do(manager, path, capture=rows.proposal.capture_id, amount_minor=100)
    mine = RefundProposal.objects.latest("pk")
    said = do(manager, f"/console/proposals/{mine.pk}/approve-refund")
    assert said == "You proposed this yourself. Above the limit another person approves it."
    assert [deed for _, deed, _, _ in trail()] == ["propose-refund"]


def test_pressing_twice_acts_once(rows: Rows, manager: Client) -> None:
    from tsuzuku.payments.models import RefundProposal

    path = f"/console/orders/{rows.order.pk}/propose-refund"
    key = "0b5c1b51-5a44-4a7e-8d0a-0c62ef5b1f2d"
    sent = {"key": key, "reason": "r", "capture": rows.proposal.capture_id, "amount_minor": 50, "confirmed": "yes"}
    pages = [manager.post(path, sent, follow=True).content.decode() for _ in range(2)]
    assert [told(page) for page in pages] == ["Done: Give money back."] * 2
    assert (RefundProposal.objects.filter(amount_minor=50).count(), len(trail())) == (1, 1)


def test_nothing_is_done_without_a_reason_or_without_looking_again(rows: Rows, manager: Client) -> None:
    path = f"/console/promotions/{rows.promotion.pk}/withdraw-promotion"
    key = "0b5c1b51-5a44-4a7e-8d0a-0c62ef5b1f2d"
    manager.post(path, {"key": key, "reason": "once"})
    manager.post(path, {"key": key, "reason": "  ", "confirmed": "yes"})
    rows.promotion.refresh_from_db()
    assert (rows.promotion.withdrawn_at, trail()) == (None, [])


def test_a_promotion_is_withdrawn_and_offered_again(rows: Rows, manager: Client) -> None:
    sheet = f"/console/promotions/{rows.promotion.pk}"
    assert do(manager, f"{sheet}/withdraw-promotion") == "Done: Withdraw the promotion."
    rows.promotion.refresh_from_db()
    assert rows.promotion.withdrawn_at is not None
    assert told(manager.get(f"{sheet}/withdraw-promotion", follow=True).content.decode()) == (
        "There is nothing to do here any more."
    )
    assert do(manager, f"{sheet}/offer-promotion") == "Done: Offer the promotion again."
    rows.promotion.refresh_from_db()
    assert rows.promotion.withdrawn_at is None


@pytest.mark.parametrize(
    ("deed", "state", "refunded"), [("accept-held", "paid", [100]), ("return-held", "cancelled", [400])]
)
def test_a_held_order_is_resolved(
    house: "House", card: "Card", plan: "Plan", manager: Client, deed: str, state: str, refunded: list[int]
) -> None:
    from tsuzuku.payments.models import Refund

    order = house.order(card, plan.code)
    house.pay(order, amount=Money(400, "JPY"))
    do(manager, f"/console/orders/{order.pk}/{deed}")
    order.refresh_from_db()
    assert (order.state, [refund.amount_minor for refund in Refund.objects.all()]) == (state, refunded)


@pytest.mark.parametrize(("deed", "state"), [("retry-refund", "replaced"), ("close-refund", "closed")])
def test_a_failed_refund_is_seen_to(rows: Rows, manager: Client, deed: str, state: str) -> None:
    do(manager, f"/console/refunds/{rows.refund.pk}/{deed}")
    rows.refund.refresh_from_db()
    assert rows.refund.state == state


def test_evidence_is_handed_out_and_the_trail_says_to_whom(rows: Rows, manager: Client) -> None:
    path = f"/console/disputes/{rows.dispute.pk}/take-evidence"
    key = "0b5c1b51-5a44-4a7e-8d0a-0c62ef5b1f2d"
    answer = manager.post(path, {"key": key, "reason": "the bank asks", "confirmed": "yes"})
    assert answer["Content-Disposition"] == f'attachment; filename="dispute-{rows.dispute.pk}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.testzip() is None
    number = rows.dispute.capture.payment.purpose
    assert [entry[1:] for entry in trail()] == [("take-evidence", f"order:{number}", "the bank asks")]


def test_flags_are_taken_down(rows: Rows, manager: Client) -> None:
    from tsuzuku.cards.models import CardFlag

    sheet = f"/console/cards/{rows.flagged.pk}"
    assert "dispute" in manager.get(sheet).content.decode()
    assert do(manager, f"{sheet}/clear-flags") == "Done: Take the flags down."
    flag = CardFlag.objects.get(card=rows.flagged)
    assert (flag.note, flag.cleared_by) == ("they asked", f"staff:{staff_pks('manager')[0]}")


def test_a_receipt_is_sent_again(house: "House", rows: Rows, manager: Client) -> None:
    before = len(house.gateway.sent)
    assert do(manager, f"/console/orders/{rows.order.pk}/resend-receipt") == "Done: Send the receipt again."
    house.settle_down()
    (sent,) = house.gateway.sent[before:]
    assert sent.message.address == "traveller@example.com"


def test_the_trail_is_read_by_person_and_by_object(rows: Rows, manager: Client) -> None:
    other = let_in(make_staff("finance"))
    do(manager, f"/console/orders/{rows.order.pk}/resend-receipt")
    do(other, f"/console/proposals/{rows.proposal.pk}/decline-refund")
    manager_pk, finance_pk = staff_pks("manager", "finance")
    assert listed(manager, f"q={rows.order.number}") == [
        ("finance@example.com", "Decline the refund"),
        ("manager@example.com", "Send the receipt again"),
    ]
    assert listed(manager, f"who=staff:{finance_pk}") == [
        ("finance@example.com", "Decline the refund"),
        ("finance@example.com", "logged in from 127.0.0.1"),
        ("operator", "was added to the staff: Finance"),
    ]
    assert len(listed(manager, f"who=staff:{manager_pk}")) == 3


def listed(client: Client, query: str) -> list[tuple[str, str]]:
    page = client.get(f"/console/trail/?{query}").content.decode()
    return list(zip(cells(page, "who"), cells(page, "what"), strict=True))


def cells(page: str, column: str) -> list[str]:
    return re.findall(rf'class="field-{column} [^>]*>([^<]*)<', page)


def test_what_the_log_keeps_is_never_changed(rows: Rows, manager: Client) -> None:
    from tsuzuku.channels.console.models import TrailEntry

    pk = TrailEntry.objects.latest("pk").pk
    assert [manager.post(f"/console/trail/{rest}").status_code for rest in ("", f"{pk}", f"{pk}/delete")] == [
        405,
        405,
        404,
    ]


def test_the_first_page_says_what_waits(house: "House", rows: Rows, manager: Client, settings: Settings) -> None:
    page = manager.get("/console/").content.decode()
    tiles = re.findall(r'class="tile( pressing)?" href="([^"]+)"><b>([\d+]+)</b>', page)
    assert tiles[:4] == [
        ("", "/console/orders/?state=held", "0"),
        (" pressing", "/console/refunds/?state=failed", "1"),
        (" pressing", "/console/proposals/?state=waiting", "1"),
        (" pressing", "/console/disputes/?state=open", "1"),
    ]
    assert ("", "/console/orders/?state=paid", "2") in tiles
