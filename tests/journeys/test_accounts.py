# SPDX-License-Identifier: Apache-2.0
"""A traveller's account in a real browser: a passkey is made on the phone, and opens the account again."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demo


def test_a_passkey_is_made_and_opens_the_account(visit: Callable[..., Page], demo: Demo) -> None:
    # Browsers make passkeys for names only, and this one is a machine's own.
    own = demo.url.replace("127.0.0.1", "localhost")
    page = visit(f"{own}/login", locale="ja-JP")
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    phone = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**phone, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    page.fill("input[name=login]", "alex@example.com")
    page.fill("input[name=password]", demo.password)
    page.click("main form .button >> nth=0")
    page.goto(f"{own}/account/passkeys/add")
    page.click("form[data-passkey] .button")
    expect(page).to_have_url(re.compile("/account/passkeys$"))
    expect(page.locator("main h2")).to_have_text(["Chrome, Linux"])
    page.goto(f"{own}/account")
    page.click("form[action='/logout'] button")
    page.goto(f"{own}/login?next=/orders")
    page.click("form[data-passkey] .button")
    expect(page).to_have_url(re.compile("/orders$"))


def test_a_phone_number_makes_an_account(visit: Callable[..., Page]) -> None:
    page = visit("/login", locale="ja-JP", script=False)
    page.click("main a[href='/phone']")
    assert page.input_value("select[name=country]") == "JP"
    page.fill("input[name=number]", "０９０ー１２３４ー５６７８")
    page.click("main form .button")
    expect(page).to_have_url(re.compile("/phone/code$"))
    code = _code_of_sms(page, "+819012345678")
    page.goto("/phone/code")
    page.fill("input[name=code]", code)
    page.click("main form .button")
    page.goto("/account")
    expect(page.locator("main dl")).to_contain_text("+81 90-1234-5678")


def _code_of_sms(page: Page, number: str) -> str:
    """The code in the demo's mailbox, once it is there."""
    sms = page.locator("main li").filter(has_text=number)
    for _ in range(40):
        page.goto("/demo/mail")
        if sms.count():
            return str(re.findall("[0-9]{6}", sms.first.inner_text())[0])
        page.wait_for_timeout(250)
    raise AssertionError("no SMS came")
