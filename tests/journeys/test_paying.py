# SPDX-License-Identifier: Apache-2.0
"""Paying elsewhere than on a provider's page: in cash at a store, and by a code, beside the simulators."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESKTOP, Demo
from tests.journeys.traveller import (
    choose_plan,
    choose_way,
    confirm,
    log_in,
    open_card,
    wait_for_mail,
    wait_for_stage,
)

NEARLY_EMPTY = "40 MB left of 1 GB"
Visit = Callable[..., Page]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-javascript"])
def test_cash_at_a_store_survives_the_browser(demo: Demo, visit: Visit, script: bool) -> None:
    page = visit(locale="zh-CN", script=script)
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page, email="traveller@example.com", way="stripe:konbini", leads_to=r"/o/")
    wait_for_stage(page, "到便利店用现金支付")
    expect(page.locator(".store[open] summary")).to_contain_text("全家 FamilyMart")
    number = re.sub(r"\D", "", page.locator(".store[open] .digits").first.inner_text())
    order = re.findall(r"/o/([\w-]+)", page.url)[0]
    store = str(page.locator("a[href*='/konbini/']").get_attribute("href"))

    # Another browser, in which the card was never opened, follows the link in the mail.
    other = visit(locale="zh-CN", script=script)
    wait_for_mail(other, order).first.click()
    other.locator(".mail a[href*='/k/']").click()
    wait_for_stage(other, "到便利店用现金支付")
    assert re.sub(r"\D", "", other.locator(".store[open] .digits").first.inner_text()) == number

    other.goto(store)
    other.locator("button[value=pay]").first.click()
    other.goto(f"/o/{order}")
    wait_for_stage(other, "续费成功")


def test_a_code_is_scanned_while_the_page_waits(demo: Demo, visit: Visit) -> None:
    page = visit(size=DESKTOP)
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page, way="wechat_pay:wechat_pay", leads_to=r"/o/")
    wait_for_stage(page, "Pay ¥.* with WeChat Pay")
    expect(page.locator(".qr-code")).to_be_visible()

    app = visit()
    app.goto(str(page.get_by_text("played here").get_attribute("href")))
    app.locator("button.pay").click()
    wait_for_stage(page, "You are online")


def test_who_was_refused_by_a_wallet_pays_by_another(demo: Demo, visit: Visit) -> None:
    page = visit()
    open_card(page, demo, NEARLY_EMPTY)
    choose_plan(page, "BOOST-1")
    confirm(page, way="stripe:paypay", leads_to=r"/authorize/")
    page.locator("button[value=refuse]").click()
    expect(page.locator("main")).to_contain_text("The last payment did not go through.", timeout=15_000)
    expect(page.locator("input[name=method]:checked")).to_have_value("stripe:card")
    order = page.url
    choose_way(page, "alipay:alipay")
    page.click("main form .button:not(.plain)")
    page.locator(".scan a").first.click()
    page.locator("button.pay").click()
    page.goto(order)
    wait_for_stage(page, "You are online")


def test_a_balance_that_pays_everything_leaves_nothing_to_choose(demo: Demo, visit: Visit) -> None:
    page = visit()
    log_in(page, demo)
    page.locator("main a[href^='/c/']").first.click()
    choose_plan(page, "BOOST-1")
    ways = page.locator("input[name=method]").first
    expect(ways).to_be_hidden()
    page.uncheck("input[name=share]")
    expect(ways).to_be_visible()
    page.check("input[name=share]")
    page.click("main form .button:not(.plain)")
    wait_for_stage(page, "续费成功")


def test_the_button_says_what_is_left_to_pay(demo: Demo, visit: Visit) -> None:
    page = visit()
    log_in(page, demo)
    page.locator("main a[href^='/c/']").first.click()
    choose_plan(page, "HALF-YEAR-60")
    button = page.locator("main form .button:not(.plain)")
    rest = re.findall(r"其余 (¥[\d,]+)", page.locator(".choices").first.inner_text())
    expect(button).to_have_text(f"付 {rest[0]}", use_inner_text=True)
    page.uncheck("input[name=share]")
    expect(button).to_have_text("付 ¥9,180", use_inner_text=True)
