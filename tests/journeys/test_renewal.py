# SPDX-License-Identifier: Apache-2.0
"""A traveller renews a card on a phone, from its number to being online, and what can go wrong on the way."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demo
from tests.journeys.traveller import choose_plan, choose_way, confirm, open_card, pay, wait_for_mail, wait_for_stage

NEARLY_EMPTY = "40 MB left of 1 GB"
Visit = Callable[..., Page]


@pytest.mark.parametrize(
    ("locale", "script", "done", "subject"),
    [
        ("en-US", True, "You are online", "Your card is renewed"),
        ("zh-CN", True, "可以上网了", "续费成功"),
        ("en-US", False, "You are online", "Your card is renewed"),
    ],
    ids=["english", "chinese", "no-javascript"],
)
def test_a_card_is_renewed_to_the_end(
    demo: Demo, visit: Visit, locale: str, script: bool, done: str, subject: str
) -> None:
    page = visit(locale=locale, script=script)
    open_card(page, demo, NEARLY_EMPTY)
    before = page.url
    choose_plan(page, "GB-3-30D")
    expect(page.locator("main")).to_contain_text("¥990")
    confirm(page, email="traveller@example.com")

    number = pay(page)
    wait_for_stage(page, done)

    mail = wait_for_mail(page, number)
    expect(mail).to_contain_text(subject)
    page.goto(before)
    expect(page.locator("main")).to_contain_text("3 GB")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-javascript"])
def test_a_mix_is_chosen_from_two_lists_and_paid(demo: Demo, visit: Visit, script: bool) -> None:
    page = visit(script=script)
    open_card(page, demo, NEARLY_EMPTY)
    page.click("main a[href$='/plans']")
    page.click("main a[href$='/mix/OWN-MIX']")
    page.select_option("select[name=data]", "9000000000")
    page.select_option("select[name=days]", "10")
    if not script:
        page.get_by_role("button", name="Show the price").click()
    expect(page.locator("#mixed")).to_contain_text("¥1,480")
    expect(page.locator("#mixed")).to_contain_text("cost no more: ¥1,440")

    page.get_by_role("button", name="Go on with this mix").click()
    expect(page.locator("main")).to_contain_text("Pick your own GB and days: 9\u00a0GB, 10 days")
    confirm(page)
    pay(page)
    wait_for_stage(page, "You are online")


def test_a_declined_payment_says_why_and_keeps_the_order(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page)

    number = pay(page, "decline-limit")

    expect(page.locator("main")).to_contain_text("The limit or the balance of your card or account was not enough")
    expect(page.locator("input[name=method]:checked")).to_have_value("stripe:card")
    choose_way(page, "sandbox:sandbox")
    page.click("main form .button:not(.plain)")
    page.wait_for_url(re.compile(r"/pay/"))
    assert pay(page) == number
    wait_for_stage(page, "You are online")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-javascript"])
def test_a_card_is_declined_then_asked_by_its_bank_and_paid(demo: Demo, visit: Visit, script: bool) -> None:
    page = visit(script=script)
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page, way="stripe:card")

    page.click("button[value='4000000000009995']")
    expect(page.get_by_role("status")).to_contain_text("insufficient_funds")
    page.click("button[value='4000000000003220']")
    page.click("button[value='bank-yes']")

    page.wait_for_url(re.compile(r"/o/"))
    wait_for_stage(page, "You are online")


def test_leaving_without_paying_and_coming_back(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page)
    number = pay(page, "leave")

    page.goto(f"/o/{number}")

    expect(page.get_by_role("heading", level=1)).to_have_text("This order waits for its payment")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This order was cancelled")


def test_paying_twice_gives_one_back(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page)

    pay(page, "pay-twice")
    wait_for_stage(page, "You are online")

    page.reload()
    expect(page.locator("main")).to_contain_text("You have paid more than once.")


def test_the_back_button_after_paying_leads_nowhere_twice(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm_url = page.url
    confirm(page)
    number = pay(page)
    wait_for_stage(page, "You are online")

    page.go_back()
    page.go_back()
    page.go_back()
    if page.url == confirm_url:
        page.click("main form .button:not(.plain)")

    page.goto(f"/o/{number}")
    wait_for_stage(page, "You are online")


def test_a_double_click_orders_once(demo: Demo, visit: Visit) -> None:
    page = visit()
    page.goto("/login")
    page.fill("input[name=login]", "alex@example.com")
    page.fill("input[name=password]", demo.password)
    page.click("main form .button")
    page.wait_for_url(re.compile(r"/(cards)?$"))
    page.get_by_role("link", name="Phone").first.click()
    choose_plan(page, "ROLL-5-30D")

    page.dblclick("main form .button:not(.plain)")
    page.wait_for_url(re.compile(r"/pay/"))
    page.goto("/orders")

    waiting = page.locator("main li, main article, main section").filter(has_text="Waits for payment")
    assert waiting.count() <= 2


def test_a_plan_that_waits_is_started_with_a_tap(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, "a plan that waits for a tap")
    expect(page.locator("main")).to_contain_text("You start it yourself")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("button", name="Start")).to_have_count(0)


def test_a_suspended_card_is_told_so(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, "suspended")
    expect(page.locator("main")).to_contain_text("suspended")
    expect(page.locator("main a[href$='/plans']")).to_have_count(0)
