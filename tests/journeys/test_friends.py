# SPDX-License-Identifier: Apache-2.0
"""A friend far away renews somebody else's card in their own language: by the link that was sent, or by the number."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demo
from tests.journeys.traveller import confirm, open_card, pay, wait_for_mail, wait_for_stage

NEARLY_EMPTY = "40 MB left of 1 GB"
Visit = Callable[..., Page]


def test_a_link_is_made_followed_paid_told_and_ended(demo: Demo, visit: Visit) -> None:
    owner = visit(locale="zh-CN")
    open_card(owner, demo, NEARLY_EMPTY)
    card = owner.url
    owner.click("main a[href$='/friends']")
    owner.fill("input[name=name]", "妈妈的手机")
    owner.get_by_role("button", name="生成链接").click()
    link = owner.locator(".qr .copy").first.inner_text()

    friend = visit(link, script=False)
    expect(friend.get_by_role("heading", level=1)).to_have_text("Renew 妈妈的手机")
    friend.click("main a[href*='/renew/GB-1-3D']")
    friend.fill("input[name=giver]", "Björn")
    confirm(friend, email="bjorn@example.com")
    number = pay(friend)
    wait_for_stage(friend, "The card is renewed")
    expect(friend.locator("main")).to_contain_text("妈妈的手机")
    expect(wait_for_mail(friend, number)).to_contain_text("The card is renewed")
    friend.goto(link)
    friend.click("main a[href*='/renew/GB-1-3D']")
    expect(friend.get_by_role("alert")).to_contain_text("This card was just renewed with")

    owner.goto(f"{card}/history")
    expect(owner.locator("main")).to_contain_text("由朋友续费")
    owner.goto(f"{card}/friends")
    owner.get_by_role("button", name="停用此链接").first.click()
    expect(owner.get_by_role("status")).to_contain_text("链接已停用")


@pytest.mark.parametrize("locale", ["ja-JP", "ko-KR"])
def test_the_number_alone_is_enough_to_pay(demo: Demo, visit: Visit, locale: str) -> None:
    friend = visit(locale=locale)
    friend.click("main a[href='/friend']")
    friend.fill("input[name=number]", demo.cards["never used"])
    friend.click("main form .button")
    friend.click("main a[href$='/friend/renew/GB-1-3D']")
    number = re.sub(r"\D", "", friend.locator("main .number b").inner_text())
    assert number == demo.cards["never used"]
    confirm(friend)
    pay(friend)
    wait_for_stage(friend, {"ja-JP": "カードを更新しました", "ko-KR": "SIM이 연장되었어요"}[locale])
