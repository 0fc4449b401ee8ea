# SPDX-License-Identifier: Apache-2.0
"""The ways to pay as pages offer them, and paying elsewhere: at a store, or by a code."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.web.conftest import Answer, heading, notices, text_of
from tsuzuku.kernel import clock
from tsuzuku.payments.ports import FailureReason, Instructions, StoreSlip
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.fakes import FakeProvider, Outcome

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.orders.models import Order
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

ALL = ("sandbox", "konbini", "alipay", "card", "wechat_pay", "paypal")
#: A quarter to midnight in Japan, so that a deadline has another hour in China and the same day.
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SLIPS = Instructions(
    expires_at=datetime(2026, 11, 24, 14, 59, tzinfo=UTC),
    slips=(
        StoreSlip(store="familymart", payment_number="12345678901", confirmation_number="400008"),
        StoreSlip(store="lawson", payment_number="300001", confirmation_number="99999999999"),
        StoreSlip(store="seven_eleven", payment_number="1234567890123"),
    ),
    page_url="https://pay.fake.example/voucher",
)
CODE = Instructions(expires_at=NOW + timedelta(minutes=30), qr_text="https://qr.fake.example/abc")
PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"}


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.travel_to(NOW):
        yield


@pytest.fixture
def order(house: "House", card: "Card", plan: "Plan") -> "Order":
    house.provider.methods = ALL
    house.provider.instructions = {"konbini": SLIPS, "alipay": CODE}
    return house.order(card, plan.code)


def pay(client: Client, order: "Order", method: str, *, headers: dict[str, str] | None = None) -> Answer:
    """Chooses a method, and looks at the order's page: for those who pay elsewhere, and who come back."""
    client.post(f"/o/{order.number}/pay", {"method": f"fake:{method}"}, headers=headers)
    return client.get(f"/o/{order.number}", headers=headers)


def offered(page: Answer) -> tuple[list[str], list[str]]:
    """What is shown at once, and what behind a word."""
    choices = page.context["choices"]
    return [choice.method for choice in choices.likely], [choice.method for choice in choices.others]


def ticked(page: Answer) -> list[str]:
    return re.findall(r'value="(\S+)" required checked', page.content.decode())


class TestChoosing:
    """Which ways are offered, and in which order."""

    def test_the_likely_ones_are_shown_and_the_others_behind_a_word(self, with_pin: Client, order: "Order") -> None:
        page = with_pin.get(f"/o/{order.number}", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
        assert offered(page) == (["wechat_pay", "alipay", "card", "paypal"], ["konbini", "sandbox"])
        assert ticked(page) == ["fake:wechat_pay"]
        assert page.content.decode().count("<details") == 2
        page = with_pin.get(f"/o/{order.number}", headers={"Accept-Language": "en-US"})
        assert offered(page) == (["card", "paypal", "konbini", "alipay"], ["wechat_pay", "sandbox"])
        assert "More ways to pay" in text_of(page)

    def test_a_single_one_is_not_hidden(self, house: "House", with_pin: Client, order: "Order") -> None:
        house.provider.methods = ("card", "paypal", "konbini", "alipay", "paypay")
        page = with_pin.get(f"/o/{order.number}")
        assert offered(page) == (["card", "paypal", "konbini", "alipay", "paypay"], [])
        assert "More ways to pay" not in text_of(page)

    def test_each_says_what_one_needs(self, with_pin: Client, order: "Order") -> None:
        words = text_of(with_pin.get(f"/o/{order.number}"))
        assert "Credit or debit card Foreign cards work: Visa, Mastercard, JCB, Amex, UnionPay" in words
        assert "WeChat Pay Needs a WeChat account that can pay abroad" in words
        assert "At FamilyMart, Lawson, Ministop or Seicomart. No card needed" in words

    def test_what_was_chosen_stays_chosen_when_the_page_asks_again(
        self, house: "House", with_pin: Client, card: "Card", plan: "Plan"
    ) -> None:
        house.provider.methods = ALL
        page = with_pin.post(f"/c/{card.public_token}/renew/{plan.code}", {"method": "fake:sandbox", "apply": "1"})
        assert (offered(page)[0][0], ticked(page)) == ("sandbox", ["fake:sandbox"])

    @pytest.mark.parametrize(
        ("refused", "next_one"),
        [(["card"], "paypal"), (["apple_pay"], "paypal"), (["card", "paypal"], "konbini"), (["konbini"], "apple_pay")],
    )
    def test_after_a_no_the_next_is_offered_that_may_hear_another(
        self, house: "House", with_pin: Client, order: "Order", refused: list[str], next_one: str
    ) -> None:
        house.provider.methods = (*ALL, "apple_pay")
        house.provider.instructions = {}
        iphone = {"Accept-Language": "en-US", "User-Agent": "iPhone Version/18 Safari/604"}
        for method in refused:
            pay(with_pin, order, method)
            house.deliver(house.provider.decline(house.payment_reference(order), FailureReason.LIMIT))
        page = with_pin.get(f"/o/{order.number}", headers=iphone)
        assert ticked(page) == [f"fake:{next_one}"]
        assert notices(page)[0].startswith("The last payment did not go through. The limit")

    def test_one_of_two_providers_of_a_method_is_asked_and_the_other_when_it_is_down(
        self, house: "House", with_pin: Client, order: "Order"
    ) -> None:
        other = FakeProvider()
        other.methods = ("card", "paypay")
        with using_provider("other", other):
            house.provider.methods, house.provider.is_down = ("card", "paypal"), True
            page = with_pin.get(f"/o/{order.number}")
            assert [choice.value for choice in page.context["choices"].likely] == [
                "fake:card",
                "fake:paypal",
                "other:paypay",
            ]
            page = pay(with_pin, order, "card")
            assert notices(page)[0].startswith("This payment service does not answer at the moment.")
            assert [choice.value for choice in page.context["choices"].likely] == ["other:card", "other:paypay"]
            assert "Not to be reached at the moment: PayPal. We try again in a few minutes." in text_of(page)
            # A page that was open before is as good.
            answer = with_pin.post(f"/o/{order.number}/pay", {"method": "fake:card"})
            assert (answer["Location"], len(other.payments)) == (f"{FakeProvider.origin}/fakepay_1", 1)

    def test_a_method_that_cannot_be_had_any_more_says_so(
        self, house: "House", with_pin: Client, order: "Order"
    ) -> None:
        house.provider.is_down = True
        for _ in range(2):
            page = pay(with_pin, order, "card")
            assert notices(page)[0].startswith("This payment service does not answer at the moment.")
        assert house.provider.payments == {}


class TestStores:
    """Cash at a convenience store."""

    def test_numbers_steps_and_the_deadline_are_shown(self, with_pin: Client, order: "Order") -> None:
        page = pay(with_pin, order, "konbini", headers={"Accept-Language": "th-TH,en;q=0.5"})
        words = text_of(page).replace("\u00a0", " ")
        assert heading(page) == "Pay ¥300 in cash at a store"
        assert "Pay by Tue 24 Nov, 23:59 Japan time · Tue 24 Nov, 21:59 in Thailand" in words
        assert (
            "FamilyMart ファミリーマート Payment number 1234 5678 901 Confirmation number 400 008 Amount ¥300" in words
        )
        assert "7-Eleven セブン-イレブン Payment number 1234 5678 90123 Amount ¥300" in words
        assert "<span>1234</span><span>5678</span><span>901</span>" in page.content.decode()
        assert page.content.decode().count('<details class="panel store') == 3
        assert page.content.decode().count('name="store" open') == 1
        assert 'href="https://pay.fake.example/voucher"' in page.content.decode()

    def test_they_are_there_when_the_browser_is_opened_again(
        self, house: "House", card: "Card", with_pin: Client, order: "Order"
    ) -> None:
        pay(with_pin, order, "konbini")
        house.settle_down()
        with clock.travel_to(NOW + timedelta(days=2)):
            house.settle_down()
            another = Client()
            another.post("/open", {"number": card.iccid, "pin": "1234"})
            for query in ("", "?back=1"):
                page = another.get(f"/o/{order.number}{query}")
                assert (heading(page), "Waiting for your payment" in text_of(page)) == (
                    "Pay ¥300 in cash at a store",
                    True,
                )

    def test_money_at_the_store_renews_the_card(
        self, house: "House", with_pin: Client, card: "Card", order: "Order"
    ) -> None:
        page = pay(with_pin, order, "konbini").content.decode()
        address = f"/o/{order.number}/progress?seen=instructed.30"
        assert re.findall(r'hx-get="([^"]*)"', page) == [address]
        assert re.findall(r'refresh" content="([^"]*)"', page) == ["30"]
        assert with_pin.get(address).status_code == 204
        house.settle_down()
        with clock.travel_to(NOW + timedelta(days=2)):
            house.deliver(*house.provider.pay(house.payment_reference(order)))
            house.settle_down()
            with_pin.post("/open", {"number": card.iccid, "pin": "1234"})
            assert heading(with_pin.get(address)) == "Renewed. You are online"

    def test_another_way_is_at_hand_and_the_slip_stays_good(
        self, house: "House", with_pin: Client, order: "Order"
    ) -> None:
        page = pay(with_pin, order, "konbini")
        assert "Pay another way" in text_of(page)
        assert offered(page) == (["card", "paypal", "alipay", "wechat_pay", "sandbox"], [])
        slip = house.payment_reference(order)
        assert with_pin.post(f"/o/{order.number}/pay", {"method": "fake:card"})["Location"].endswith("/fakepay_2")
        assert heading(with_pin.get(f"/o/{order.number}?back=1")) == "One moment: your payment is being confirmed"
        house.deliver(house.provider.decline("fakepay_2", FailureReason.REFUSED))
        page = with_pin.get(f"/o/{order.number}")
        assert (heading(page), notices(page)[0][:38]) == (
            "Pay ¥300 in cash at a store",
            "The last payment did not go through. Y",
        )
        house.deliver(*house.provider.pay(slip))
        assert heading(with_pin.get(f"/o/{order.number}")) == "One moment: your payment is being confirmed"

    def test_after_its_time_nobody_is_sent_to_the_store(
        self, house: "House", with_pin: Client, card: "Card", order: "Order"
    ) -> None:
        pay(with_pin, order, "konbini")
        house.settle_down()
        with clock.travel_to(SLIPS.expires_at):
            with_pin.post("/open", {"number": card.iccid, "pin": "1234"})
            page = with_pin.get(f"/o/{order.number}")
            assert heading(page) == "This order waits for its payment"
            assert notices(page) == ["The numbers for the store can no longer be used. Nothing was charged."]
            # New ones would keep the order for days again: whoever wants them orders again.
            assert offered(page) == (["card", "paypal", "alipay", "wechat_pay", "sandbox"], [])
            over = "New numbers for a store are given out only within a day of the order. Please pay another way."
            assert (over in text_of(page), "Show new numbers" in text_of(page)) == (True, False)
            assert notices(pay(with_pin, order, "konbini"))[0] == over
            assert len(house.provider.payments) == 1

    def test_new_numbers_are_given_on_the_same_day(self, house: "House", with_pin: Client, order: "Order") -> None:
        house.provider.instructions["konbini"] = replace(SLIPS, expires_at=NOW + timedelta(hours=1))
        pay(with_pin, order, "konbini")
        house.settle_down()
        with clock.travel_to(NOW + timedelta(hours=1)):
            page = with_pin.get(f"/o/{order.number}")
            assert "Show new numbers" in text_of(page)
            assert "within a day of the order" not in text_of(page)

    @pytest.mark.parametrize(
        ("method", "why"),
        [
            ("konbini", "The numbers for the store can no longer be used. Nothing was charged."),
            ("alipay", "The code that you were shown can no longer be used. Nothing was charged."),
            (
                "card",
                "The payment page was closed before anything was paid. Nothing was charged. You can start again.",
            ),
        ],
    )
    def test_who_is_told_that_it_is_over_is_told_what(
        self, house: "House", with_pin: Client, order: "Order", method: str, why: str
    ) -> None:
        pay(with_pin, order, method)
        house.settle_down()
        house.deliver(house.provider.decline(house.payment_reference(order), FailureReason.EXPIRED))
        page = with_pin.get(f"/o/{order.number}")
        assert notices(page) == [f"The last payment did not go through. {why}"]


class TestCodes:
    """A code that an app scans."""

    def test_it_is_shown_with_its_end(self, with_pin: Client, order: "Order") -> None:
        page = pay(with_pin, order, "alipay")
        markup = page.content.decode()
        assert heading(page) == "Pay ¥300 with Alipay"
        assert (markup.count('class="qr-code"'), markup.count(CODE.qr_text)) == (1, 0)
        assert "Scan this code with Alipay on your phone." in text_of(page)
        assert "The code can be used until Sat 21 Nov, 12:30 (Japan time)." in text_of(page).replace("\u00a0", " ")
        assert re.findall(r'hx-trigger="([^"]*)"', markup) == ["every 2s"]
        assert re.findall(r'refresh" content="([^"]*)"', markup) == ["2"]

    def test_on_a_phone_the_app_is_a_tap_away(self, with_pin: Client, order: "Order") -> None:
        page = pay(with_pin, order, "alipay", headers=PHONE)
        assert f'<a class="button" href="{CODE.qr_text}"' in page.content.decode()
        assert "Open Alipay on this phone" in text_of(page)

    def test_a_code_that_is_no_address_is_only_scanned(self, house: "House", with_pin: Client, order: "Order") -> None:
        for text in ("javascript:alert(1)", "no address"):
            house.provider.instructions["wechat_pay"] = Instructions(expires_at=CODE.expires_at, qr_text=text)
            page = pay(with_pin, order, "wechat_pay", headers=PHONE)
            assert f'href="{text}' not in page.content.decode()

    def test_who_waits_with_it_makes_us_ask(self, house: "House", with_pin: Client, order: "Order") -> None:
        pay(with_pin, order, "alipay")
        house.provider.pay(house.payment_reference(order))
        with clock.travel_to(NOW + timedelta(seconds=6)):
            address = f"/o/{order.number}/progress?seen=instructed.2"
            assert with_pin.get(address).status_code == 204
            house.settle_down()
            assert heading(with_pin.get(address)) == "Renewed. You are online"

    def test_a_code_that_has_run_out_is_made_anew(self, house: "House", with_pin: Client, order: "Order") -> None:
        pay(with_pin, order, "alipay")
        later = CODE.expires_at + timedelta(minutes=1)
        with clock.travel_to(later):
            page = with_pin.get(f"/o/{order.number}")
            assert heading(page) == "This order waits for its payment"
            assert "Show a new code" in text_of(page)
            assert '<input type="hidden" name="method" value="fake:alipay">' in page.content.decode()
            new = Instructions(expires_at=later + timedelta(minutes=30), qr_text="https://qr.fake.example/def")
            house.provider.instructions["alipay"] = new
            assert heading(pay(with_pin, order, "alipay")) == "Pay ¥300 with Alipay"
            assert house.payment_reference(order) == "fakepay_2"
            # Money that comes by the old one counts all the same.
            house.deliver(*house.provider.pay("fakepay_1"))
            house.settle_down()
            assert heading(with_pin.get(f"/o/{order.number}")) == "Renewed. You are online"


def test_coming_back_makes_us_ask_at_once_in_the_language_of_before(
    house: "House", with_pin: Client, order: "Order"
) -> None:
    with_pin.post("/language", {"language": "zh-hans", "next": "/"})
    pay(with_pin, order, "card")
    (payment,) = house.provider.payments.values()
    house.provider.pay("fakepay_1")
    assert (payment.request.language, payment.request.return_url[-len("?back=1") :]) == ("zh-hans", "?back=1")
    with clock.travel_to(NOW + timedelta(seconds=1)):
        assert heading(with_pin.get(f"/o/{order.number}?back=1")) == "请稍等，正在确认付款"
        house.settle_down()
        assert heading(with_pin.get(f"/o/{order.number}?back=1")) == "续费成功，可以上网了"


class TestAddress:
    """Whoever pays at a store says where they read mail."""

    def test_on_the_page_that_asks_it_is_asked_for_before_there_is_an_order(
        self, house: "House", with_pin: Client, card: "Card", plan: "Plan"
    ) -> None:
        house.provider.methods, house.provider.instructions = ALL, {"konbini": SLIPS}
        address = f"/c/{card.public_token}/renew/{plan.code}"
        context = with_pin.get(address).context
        form = {"digest": context["quote"].digest, "key": str(context["key"]), "method": "fake:konbini"}
        page = with_pin.post(address, form)
        told = "To pay at a store, please give an e-mail address: the numbers go there, too."
        assert (page.context["form"].errors, ticked(page)) == ({"email": [told]}, ["fake:konbini"])
        assert house.provider.payments == {}
        page = with_pin.post(address, {**form, "email": "mei@example.com"}, follow=True)
        assert heading(page) == "Pay ¥300 in cash at a store"
        (payment,) = house.provider.payments.values()
        assert payment.request.payer_email == "mei@example.com"
        assert "We have sent them to you by mail, too." in text_of(page)

    def test_on_the_page_of_an_order_it_can_be_given_once(
        self, house: "House", with_pin: Client, order: "Order"
    ) -> None:
        type(order).objects.filter(pk=order.pk).update(email="")
        address = f"/o/{order.number}/pay"
        for email in ("", "nobody"):
            page = with_pin.post(address, {"method": "fake:konbini", "email": email}, follow=True)
            assert notices(page)[0] == "To pay at a store, please give an e-mail address: the numbers go there, too."
            assert "Only needed to pay at a store: the numbers go there." in text_of(page)
        with_pin.post(address, {"method": "fake:konbini", "email": "mei@example.com"})
        with_pin.post(address, {"method": "fake:konbini", "email": "other@example.com"})
        order.refresh_from_db()
        assert order.email == "mei@example.com"
        page = with_pin.get(f"/o/{order.number}")
        assert (heading(page), "Only needed to pay at a store" in text_of(page)) == (
            "Pay ¥300 in cash at a store",
            False,
        )

    def test_every_other_way_needs_none(self, with_pin: Client, order: "Order") -> None:
        type(order).objects.filter(pk=order.pk).update(email="")
        answer = with_pin.post(f"/o/{order.number}/pay", {"method": "fake:card", "email": ""})
        assert answer["Location"] == f"{FakeProvider.origin}/fakepay_1"


def test_what_a_provider_will_not_take_is_told_once(house: "House", with_pin: Client, order: "Order") -> None:
    house.provider.script.add(Outcome.REFUSED)
    page = pay(with_pin, order, "paypal")
    assert [notice[:38] for notice in notices(page)] == ["The last payment did not go through. Y"]
    assert ticked(page) == ["fake:card"]
