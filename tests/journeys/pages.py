# SPDX-License-Identifier: Apache-2.0
"""Every page of the website, in each state that looks different: one line each, which tests/journeys/test_every_page.py
walks in all languages. A new page needs a line here, and what its address needs a name in states.py.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

#: The customer whose cards and orders are in every state, and the PIN of their cards.
EMAIL, PASSWORD, PIN = "walker@example.com", "walk every page", "1357"
#: What is in addresses and forms, by name: that of states.py, and `language` and `digit`, another one in each language.
Names = Mapping[str, str]
Act = Callable[[Page, Names], None]


@dataclass(frozen=True)
class Sight:
    """A page in a state: its address, and what is done there until it shows what is to be looked at."""

    path: str
    act: Act | None = None
    #: The address that the act leads to, if it is another.
    leads_to: str = ""
    #: The answer's status, before anything is done.
    status: int = 200

    @property
    def shown(self) -> str:
        """The address of what is looked at."""
        return self.leads_to or self.path


def fill(*, form: str = "main form", **fields: str) -> Act:
    """Fills a form and sends it by its first button."""

    def act(page: Page, names: Names) -> None:
        sent = page.locator(form).first
        # What the browser itself would refuse is refused by us, too.
        sent.evaluate("form => { form.noValidate = true; form.closest('details')?.setAttribute('open', ''); }")
        for name, value in fields.items():
            sent.locator(f"[name={name}]").first.fill(value.format_map(names))
        sent.locator("button").first.click()

    return act


def click(selector: str) -> Act:
    """Clicks, and does nothing else."""

    def act(page: Page, names: Names) -> None:
        page.locator(selector.format_map(names)).first.click()

    return act


def open_details(page: Page, names: Names) -> None:
    """Opens whatever a page has folded up."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


def enter_mailed_code(page: Page, names: Names) -> None:
    """Asks for a new password, and types the code that comes by mail."""
    address = f"forgot-{names['language']}@example.com"
    fill(email=address)(page, names)
    page.wait_for_url("**/forgot/code")
    mail = page.locator("main li").filter(has_text=address)
    for _ in range(120):
        page.goto("/demo/mail")
        if mail.count():
            break
        page.wait_for_timeout(250)
    code = re.findall("[0-9A-Z]{4}-[0-9A-Z]{4}", mail.first.inner_text())[0]
    page.goto("/forgot/code")
    fill(code=code)(page, names)


#: By somebody who has just come.
OF_NOBODY = (
    Sight("/"),
    Sight("/", open_details),
    Sight("/open"),
    Sight("/open", fill(number="8981200961153878264", pin="1")),
    Sight("/open", fill(number="{new_number}", pin="")),
    Sight("/open", fill(number="{not_held_number}", pin=PIN), leads_to="/c/{not_held}"),
    Sight("/app"),
    Sight("/offline"),
    Sight("/login"),
    Sight("/login", fill(login="nobody@example.com", password="not this one")),
    Sight("/login/code"),
    Sight("/login/code", fill(email="{language}@example.com"), leads_to="/login/code/enter"),
    Sight("/signup"),
    Sight("/signup", fill(email="mistaken", password1="123")),
    Sight("/signup", fill(email="new-{language}@example.com", password1=PASSWORD), leads_to="/signup/code"),
    Sight("/forgot"),
    Sight("/forgot", fill(email="{language}@example.com"), leads_to="/forgot/code"),
    Sight("/forgot", enter_mailed_code, leads_to="/forgot/new"),
    Sight("/forgot/done"),
    Sight("/closed"),
    Sight("/phone"),
    Sight("/phone", fill(number="12")),
    Sight("/phone", fill(number="+81 90 5555 020{digit}"), leads_to="/phone/code"),
    Sight("/r/{remind_low}"),
    Sight("/r/{remind_low}", open_details),
    Sight("/r/{remind_renewed_since}", status=410),
    Sight("/r/forged", status=404),
    Sight("/u/{unsubscribe}"),
    Sight("/u/forged", status=404),
    Sight("/automatic/stop/{stop}"),
    Sight("/automatic/stop/forged", status=404),
    Sight("/o/{friend_order}/k/{friend_key}", leads_to="/o/{friend_order}"),
    Sight("/friend"),
    Sight("/friend", fill(number="12")),
    Sight("/friend", fill(number="{low_number}"), leads_to="/friend/plans"),
    Sight("/friend/renew/GB-3-30D"),
    Sight("/f/{friend_link}"),
    Sight("/f/{friend_link}/renew/GB-3-30D"),
    Sight("/f/forged", status=404),
    Sight("/new"),
    Sight("/new/esim"),
    Sight("/new/sim"),
    Sight("/new/sim/JP"),
    Sight("/first-steps"),
    Sight("/first-steps", fill(number="{new_number}", pin="")),
    Sight("/help"),
    Sight("/help/phones"),
    Sight("/help/phones/iphone"),
    Sight("/help/phones/xiaomi"),
    Sight("/help/doors"),
    Sight("/help/questions"),
    Sight("/help/questions", open_details),
    Sight("/check"),
    Sight("/verify"),
    Sight("/verify?r=forged"),
    Sight("/nothing/is/here", status=404),
)

#: By somebody who has just logged in, with cards and orders in every state.
OF_CUSTOMER = (
    # What asks for a proof that is five minutes old at most comes first.
    Sight("/account/delete"),
    Sight("/account/delete", fill()),
    Sight("/account/data"),
    Sight("/account/phone"),
    Sight("/account/phone", fill(number="+81 90 5555 030{digit}"), leads_to="/account/phone/code"),
    Sight("/account/phone/remove"),
    Sight("/account/email"),
    Sight("/account/email", fill(email="moved-{language}@example.com"), leads_to="/account/email/code"),
    Sight("/account/passkeys/add"),
    Sight("/account/passkeys/{passkey}/remove"),
    Sight("/password/new"),
    Sight("/password/new", fill(password1="1", password2="2")),
    Sight("/account/prove?next=/account/data"),
    Sight("/account/prove?next=/account/data", fill(password="not this one")),
    Sight("/account/prove?next=/account/data", click("main form:last-of-type button"), leads_to="/account/prove/code"),
    Sight("/account"),
    Sight("/account/devices"),
    Sight("/account/passkeys"),
    Sight("/password"),
    Sight("/logout"),
    Sight("/cards"),
    Sight("/cards/add"),
    Sight("/cards/add", fill(number="{new_number}", pin="0000")),
    *(
        Sight(f"/c/{{{card}}}")
        for card in (
            "new",
            "low",
            "overlapping",
            "throttled",
            "used_up",
            "waits_for_tap",
            "waits_for_use",
            "expired",
            "voice",
            "suspended",
            "past_last_date",
            "automatic",
            "activating_card",
            "withdrawn_card",
        )
    ),
    Sight("/c/{low}", fill(form="#flight form", day="2020-01-01"), leads_to="/c/{low}/flight"),
    Sight("/c/{overlapping}/usage"),
    Sight("/c/{new}/usage"),
    Sight("/c/{overlapping}/history"),
    Sight("/c/{new}/history"),
    Sight("/c/{overlapping}/plans"),
    Sight("/c/{new}/plans?find=1&now=1&by=day"),
    Sight("/c/{overlapping}/mix/OWN-MIX"),
    Sight("/c/{new}/mix/OWN-MIX?data=9000000000&days=10"),
    Sight("/c/{new}/renew/GB-3-30D"),
    Sight("/c/{new}/renew/GB-3-30D", open_details),
    Sight("/c/{overlapping}/renew/UNL-24H"),
    Sight("/c/{throttled}/renew/VOICE-3-30D"),
    Sight("/c/{overlapping}/automatic"),
    Sight("/c/{automatic}/automatic"),
    Sight("/c/{overlapping}/release"),
    Sight("/c/{overlapping}/check"),
    Sight("/c/{new}/first-steps"),
    Sight("/c/{waits_for_tap}/first-steps"),
    Sight("/new/esim/TRIP-3-8D"),
    Sight("/new/esim/TRIP-3-8D", open_details),
    Sight("/new/sim/JP/TRIP-3-8D"),
    Sight("/new/sim/HK/TRIP-3-8D"),
    Sight("/o/{esim_to_pay}"),
    Sight("/o/{esim_ready}"),
    Sight("/o/{esim_ready}/esim"),
    Sight("/o/{esim_ready}/esim", open_details),
    Sight("/c/{used_up}/friends"),
    Sight("/c/{new}/friends"),
    Sight("/orders"),
    *(
        Sight(f"/o/{{{order}}}")
        for order in (
            "to_pay",
            "declined",
            "run_out",
            "cancelled",
            "held",
            "active",
            "twice",
            "returned",
            "withdrawn",
            "activating",
            "top_up",
            "store",
            "code",
        )
    ),
    Sight("/o/{to_pay}", open_details),
    Sight("/o/{store}", open_details),
    Sight("/o/{active}/receipt"),
    Sight("/o/{returned}/receipt"),
    Sight("/o/{active}/receipt", click(".proof a"), leads_to="/verify"),
    Sight("/o/{held}/receipt"),
    Sight("/balance"),
    Sight("/balance/top-up"),
    Sight("/balance/top-up", fill(form="main form", amount="7")),
    Sight("/inbox"),
    Sight("/reminders"),
)

#: Addresses that show nothing to look at, by their names, and why.
NOTHING_TO_SEE = {
    "forms are sent there": {
        "leave",
        "choose_language",
        "choose_currency",
        "keep_card",
        "end_friend_link",
        "name_card",
        "start_lot",
        "automatic_off",
        "remove_method",
        "pay",
        "cancel",
        "receipt_pdf",
        "receipt_mail",
        "try_address_again",
        "add_push",
        "remove_push",
        "end_other_devices",
        "end_device",
        "name_passkey",
    },
    "leads on to a page that is walked": {"open_receipt", "account_email", "mfa_login_webauthn", "open_order"},
    "is read by machines": {"manifest", "service_worker", "verify_keys", "check_ping", "check_sample"},
    "is a part of the order's page": {"order_progress"},
}
