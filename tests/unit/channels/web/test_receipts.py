# SPDX-License-Identifier: Apache-2.0
import json
import re
import uuid
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.conftest import logged_in, make_user
from tests.unit.channels.web.conftest import Answer, heading, notices, rows, text_of
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from pytest_django import Settings

    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.orders.models import Order
    from tsuzuku.people.models import User
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(house: "House", card: "Card", plan: "Plan", holder: "User", settings: "Settings") -> "Order":
    """A renewal of the holder, paid and given."""
    settings.BRAND_TAX_NUMBER = "T1234567890123"
    order = house.order(card, plan.code, payer=holder, actor=f"customer:{holder.pk}")
    house.pay(order)
    return order


@pytest.fixture
def receipt(order: "Order") -> "Receipt":
    from tsuzuku.receipts.models import Receipt

    return Receipt.objects.get(order=order)


def press(client: Client, order: "Order", what: str, language: str = "ja", key: str = "") -> Answer:
    fields = {"language": language, "key": key or str(uuid.uuid4())}
    return client.post(f"/o/{order.number}/receipt/{what}", fields, follow=True)


def test_the_order_leads_to_its_receipt(of_holder: Client, order: "Order") -> None:
    assert f'href="/o/{order.number}/receipt"' in of_holder.get(f"/o/{order.number}").content.decode()


def test_the_page_is_the_receipt_in_the_language_of_its_payer(of_holder: Client, receipt: "Receipt") -> None:
    page = of_holder.get(f"/o/{receipt.order.number}/receipt")
    assert heading(page) == "Receipt"
    assert rows(page)["Number"] == receipt.number
    assert rows(page)["Consumption tax in it (10%)"] == "¥27"
    assert rows(page)["Received in Japanese yen, tax included"] == "¥300"


@pytest.mark.parametrize(
    ("language", "title"),
    [("zh-hans", "收据"), ("zh-hant", "收據"), ("ja", "領収書"), ("ko", "영수증"), ("xx", "Receipt")],
)
def test_any_of_the_five_can_be_chosen(of_holder: Client, receipt: "Receipt", language: str, title: str) -> None:
    assert heading(of_holder.get(f"/o/{receipt.order.number}/receipt?language={language}")) == title


def test_the_pdf_is_a_file_and_the_same_press_gives_the_same_one(of_holder: Client, receipt: "Receipt") -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        answer = press(of_holder, receipt.order, "pdf", key=key)
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == f'attachment; filename="receipt-{receipt.number}.pdf"'
        assert answer.content.startswith(b"%PDF-")
    assert receipt.copies.count() == 1


def test_without_fonts_the_pdf_is_refused_with_a_word(
    of_holder: Client, receipt: "Receipt", monkeypatch: pytest.MonkeyPatch
) -> None:
    import typst

    from tsuzuku.receipts import pdf

    none = typst.Fonts(include_system_fonts=False)
    monkeypatch.setattr(
        pdf, "_compiler", lambda folders: typst.Compiler(pdf._SHEET, font_paths=none, ignore_system_fonts=True)
    )
    page = press(of_holder, receipt.order, "pdf")
    assert notices(page)[0] == (
        "The PDF cannot be made at the moment. This page and the mail are just as valid. Please try again later."
    )
    assert heading(page) == "領収書"
    assert receipt.copies.count() == 0


def test_it_is_mailed_to_who_is_logged_in(house: "House", of_holder: Client, receipt: "Receipt") -> None:
    page = press(of_holder, receipt.order, "mail")
    assert notices(page)[0] == "The receipt is on its way to your mailbox."
    house.settle_down()
    sent = house.gateway.sent[-1].message
    assert (sent.address, sent.subject) == ("mei@example.com", f"領収書 {receipt.number}")


def test_with_a_pin_it_goes_to_the_address_of_the_order_which_is_not_shown(
    house: "House", with_pin: Client, receipt: "Receipt"
) -> None:
    page = with_pin.get(f"/o/{receipt.order.number}/receipt")
    assert "mei@example.com" not in page.content.decode()
    press(with_pin, receipt.order, "mail")
    house.settle_down()
    assert house.gateway.sent[-1].message.address == "mei@example.com"


def test_too_many_mails_are_refused_with_a_word(of_holder: Client, receipt: "Receipt") -> None:
    for _ in range(5):
        press(of_holder, receipt.order, "mail")
    page = press(of_holder, receipt.order, "mail")
    assert notices(page)[0] == "We have sent this receipt several times just now. Please look into your mailbox."


@pytest.mark.parametrize("fields", [{}, {"language": "xx", "key": str(uuid.uuid4())}, {"language": "ja", "key": "1"}])
def test_a_press_that_no_form_sends_does_nothing(of_holder: Client, receipt: "Receipt", fields: dict[str, str]) -> None:
    for what in ("pdf", "mail"):
        assert of_holder.post(f"/o/{receipt.order.number}/receipt/{what}", fields).status_code == 302
    assert receipt.copies.count() == 0


def test_before_it_is_paid_there_is_none(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    order = house.order(card, plan.code)
    page = with_pin.get(f"/o/{order.number}/receipt")
    assert heading(page) == "There is no receipt"
    assert "as soon as the order is paid" in text_of(page)
    assert with_pin.post(f"/o/{order.number}/receipt/pdf").status_code == 302


def test_a_sale_from_an_account_gets_its_receipt_when_somebody_looks(
    house: "House", with_pin: Client, card: "Card", plan: "Plan"
) -> None:
    """Partners sell thousands in a second, whose receipts hardly anybody opens."""
    from tsuzuku.kernel.iccid import Iccid
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.renewals.selling import Purchase, Sold, sell_renewals
    from tsuzuku.sellers.models import Partner
    from tsuzuku.testing.factories import make_partner

    partner: Partner = make_partner()
    purchase = Purchase(Iccid(card.iccid), plan.code, "k1", partner.actor, partner.actor, None)
    (sold,) = sell_renewals([purchase], channel="partner_api", now=clock.now())
    assert isinstance(sold, Sold)
    house.settle_down()
    assert Receipt.objects.count() == 0
    page = with_pin.get(f"/o/{sold.number}/receipt")
    assert heading(page) == "Your receipt is being written"
    house.settle_down()
    assert heading(with_pin.get(f"/o/{sold.number}/receipt")) == "Receipt"
    assert Receipt.objects.count() == 1


def test_anybody_can_check_a_receipt_and_learns_nothing_of_who_bought(receipt: "Receipt") -> None:
    page = Client().get("/verify", {"r": receipt.token})
    assert "Yes, it is genuine" in text_of(page)
    assert rows(page)["Receipt number"] == receipt.number
    assert rows(page)["Amount"] == "¥300"
    assert rows(page)["Consumption tax in it"] == "¥27"
    assert rows(page)["Issued by"] == "Tsuzuku / T1234567890123"
    shown = page.content.decode()
    for secret in ("mei@", "example.com", receipt.order.number, "Plan", "8981"):
        assert secret not in shown.replace(receipt.token, ""), secret


def test_who_checks_a_receipt_learns_how_much_went_back(house: "House", receipt: "Receipt") -> None:
    house.give_back(receipt.order, amount_minor=80)
    page = Client().get("/verify", {"r": receipt.token})
    assert "Of the money of this sale, ¥80 has gone back to the buyer since" in text_of(page)


def test_what_the_page_shows_as_qr_is_what_is_checked(of_holder: Client, receipt: "Receipt") -> None:
    page = of_holder.get(f"/o/{receipt.order.number}/receipt")
    found = re.search(r'<div class="proof"><a href="([^"]*)">', page.content.decode())
    assert found is not None
    text = found[1]
    assert "Yes, it is genuine" in text_of(Client().get("/verify", {"r": text}))
    # Also the address before the token counts.
    changed = text.replace("http://", "httq://")
    assert "No, this is not one of our receipts" in text_of(Client().get("/verify", {"r": changed}))


def test_changed_by_one_character_it_is_not_genuine(receipt: "Receipt", settings: "Settings") -> None:
    for place in range(0, len(receipt.token), 40):
        letter = "A" if receipt.token[place] != "A" else "B"
        changed = receipt.token[:place] + letter + receipt.token[place + 1 :]
        assert "No, this is not one of our receipts" in text_of(Client().get("/verify", {"r": changed}))


def test_a_stolen_key_invents_no_sale(receipt: "Receipt", settings: "Settings") -> None:
    """Signed with our key, but not in our books."""
    from dataclasses import replace

    from tsuzuku.kernel.money import Money
    from tsuzuku.receipts.queries import find_genuine
    from tsuzuku.receipts.signing import sign

    signed, _ = find_genuine(receipt.token)
    for invented in (replace(signed, amount=Money(9000, "JPY")), replace(signed, number="2026-999999")):
        page = Client().get("/verify", {"r": sign(invented, secret=settings.RECEIPT_SECRET)})
        assert "No, this is not one of our receipts" in text_of(page)


def test_checking_is_limited(receipt: "Receipt") -> None:
    codes = [Client().get("/verify", {"r": "x"}).status_code for _ in range(61)]
    assert codes in ([200] * 60 + [429], [200] * 61)  # a minute may end meanwhile
    assert Client().get("/verify").status_code == 200


def test_the_public_keys_are_there_for_everybody(receipt: "Receipt") -> None:
    from tsuzuku.receipts.signing import check_receipt, keys_in

    answer = Client().get("/verify/keys.json")
    assert [sorted(key) for key in json.loads(answer.content)["keys"]] == [["alg", "crv", "kid", "kty", "use", "x"]]
    assert check_receipt(receipt.token, keys=keys_in(answer.content.decode())).number == receipt.number


def test_the_page_of_a_friend_who_holds_nothing_is_not_there(receipt: "Receipt") -> None:
    stranger = logged_in(make_user("nobody@example.com"))
    for rest in ("", "/pdf", "/mail"):
        assert stranger.post(f"/o/{receipt.order.number}/receipt{rest}").status_code in {404, 405}
    assert stranger.get(f"/o/{receipt.order.number}/receipt").status_code == 404


def test_the_qr_stands_in_the_page_without_a_style(of_holder: Client, receipt: "Receipt") -> None:
    markup = of_holder.get(f"/o/{receipt.order.number}/receipt").content.decode()
    svg = re.search(r'<div class="proof"><a href="[^"]*">(<svg.*?</svg>)</a>', markup, re.DOTALL)
    assert svg is not None
    assert "style" not in svg[1]
