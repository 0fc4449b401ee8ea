# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku partner` and `tsuzuku api-key`, as an operator and as a script see them."""

import json
import re
from ipaddress import ip_network
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_django import Settings

from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.project.cli import tsuzuku
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.selling import Purchase, Sold, sell_renewals
from tsuzuku.sellers.models import WebhookDelivery
from tsuzuku.sellers.queries import callers, key_digest, partner_named
from tsuzuku.testing.factories import make_card, make_partner, make_plan
from tsuzuku.testing.house import open_house

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> Result:
    return CliRunner().invoke(tsuzuku, words, catch_exceptions=False)


def told(*words: str) -> list[str]:
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


def answer(*words: str) -> Any:  # noqa: ANN401  # any JSON
    return json.loads(*told(*words, "--json"))


def refused(*words: str) -> str:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr.removeprefix("Error: ").rstrip()


def make(name: str = "Kaze", *words: str) -> int:
    made = answer("partner", "create", name, "--balance-minor", "5000", "--all-cards", *words)
    return int(made["id"])


def test_a_partner_and_a_key_for_a_script() -> None:
    words = ["--balance-minor", "500000", "--credit-limit-minor", "100000", "--all-cards"]
    created = answer("partner", "create", "Kaze Mobile", *words)
    partner = partner_named("Kaze Mobile")
    assert created == {"id": partner.pk}
    key = answer("api-key", "create", "--partner", "Kaze Mobile", "--scope", "cards:read", "--scope", "usage:write")
    assert re.fullmatch(rf"tsz_{key['id']}_[\w-]{{43}}", key["key"])
    assert set(key) == {"id", "key"}
    (caller,) = callers([key_digest(key["key"])]).values()
    assert (caller.partner_id, sorted(caller.scopes)) == (partner.pk, ["cards:read", "usage:write"])
    assert told("api-key", "revoke", str(key["id"])) == [f"Key {key['id']} is revoked."]
    assert told("api-key", "revoke", str(key["id"])) == [f"Key {key['id']} was revoked already."]
    assert callers([key_digest(key["key"])]) == {}


def test_a_partner_for_a_person() -> None:
    words = ["--balance-minor", "30000", "--credit-limit-minor", "5000", "--currency", "USD"]
    lines = told("partner", "create", "Kaze", *words, "--card-group", "5g", "--card-group", "lte")
    number = partner_named("Kaze").pk
    assert lines == [
        f"Partner {number}, Kaze: balance US$300.00, credit limit US$50.00.",
        'It needs a key: tsuzuku api-key create --partner "Kaze" --scope …',
    ]
    assert told("partner", "list") == [
        f"{number:>6}  Kaze: balance US$300.00, credit limit US$50.00; cards of 5g, lte",
    ]


def test_partners_are_listed() -> None:
    assert told("partner", "list") == ["There are no partners yet."]
    assert answer("partner", "list") == []
    make("Umi"), make("Kaze", "--email", "ops@kaze.example", "--low-balance-minor", "100")
    assert [each["name"] for each in answer("partner", "list")] == ["Kaze", "Umi"]
    assert answer("partner", "list")[0] == {
        "id": partner_named("Kaze").pk,
        "name": "Kaze",
        "balance_minor": 5000,
        "credit_limit_minor": 0,
        "currency": "JPY",
        "all_cards": True,
        "card_groups": [],
        "email": "ops@kaze.example",
        "low_balance_minor": 100,
        "webhook_url": "",
    }


def test_a_partner_is_shown(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    number = make("Kaze", "--email", "ops@kaze.example", "--low-balance-minor", "100")
    one = answer("api-key", "create", "--partner", "Kaze", "--scope", "cards:read")["id"]
    two = answer("api-key", "create", "--partner", "Kaze", "--scope", "usage:write", "--calls-per-second", "9")["id"]
    told("api-key", "revoke", str(one))
    told("partner", "set-webhook", "Kaze", "https://127.0.0.1/hook")
    assert answer("partner", "show", "Kaze")["keys"] == [two]
    shown = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "DAY", "\n".join(told("partner", "show", "Kaze")))
    assert shown.splitlines() == [
        f"Partner {number}, Kaze, since DAY",
        "  account:  balance ¥5,000, credit limit ¥0",
        "  cards:    all cards",
        "  notices:  ops@kaze.example, of a balance below ¥100",
        "  webhooks: https://127.0.0.1/hook",
        f"  key {one}: cards:read, 5,000 calls a second, revoked DAY UTC",
        f"  key {two}: usage:write, 9 calls a second",
    ]


def test_money_and_limits() -> None:
    make()
    assert told("partner", "top-up", "Kaze", "3000", "--reference", "INV-1") == [
        "Kaze: balance ¥8,000, credit limit ¥0."
    ]
    assert answer("partner", "top-up", "Kaze", "3000", "--reference", "INV-1") == {
        "balance_minor": 8000,
        "credit_limit_minor": 0,
        "currency": "JPY",
    }
    assert told("partner", "set-credit-limit", "Kaze", "200") == ["Kaze: balance ¥8,000, credit limit ¥200."]


def test_keys_are_listed_without_their_text() -> None:
    make()
    assert told("api-key", "list", "--partner", "Kaze") == ["There are none."]
    lines = told("api-key", "create", "--partner", "Kaze", "--scope", "cards:read")
    number = partner_named("Kaze").keys.get().pk
    assert lines[0].startswith(f"Key {number}: tsz_{number}_")
    assert told("api-key", "list", "--partner", "Kaze") == [f"{number:>6}  open: cards:read, 5,000 calls a second"]
    told("api-key", "revoke", str(number))
    (listed,) = answer("api-key", "list", "--partner", "Kaze")
    assert (listed["id"], listed["scopes"], listed["revoked_at"] is None) == (number, ["cards:read"], False)


def test_webhooks_are_seen_and_sent_again(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    make_partner("Kaze")
    assert re.fullmatch("Secret: whsec_.{43}", told("partner", "set-webhook", "Kaze", "https://127.0.0.1:9/")[0])
    assert told("partner", "webhooks", "Kaze") == ["There are none."]
    with open_house() as house:
        make_plan("GB-1-3D")
        actor = partner_named("Kaze").actor
        card = make_card()
        purchase = Purchase(
            iccid=Iccid(card.iccid), plan_code="GB-1-3D", key="k", actor=actor, account=actor, card_groups=None
        )
        (sold,) = sell_renewals([purchase], channel="api", now=clock.now())
        house.settle_down()
    assert isinstance(sold, Sold)
    assert Renewal.objects.get().state == "active"
    delivery = WebhookDelivery.objects.get()
    (line,) = told("partner", "webhooks", "Kaze")
    shown = re.sub(r"next .*", "next …", line)
    assert shown == f"{delivery.event_id}  renewal.active  {sold.number}  pending, 1 tries, last: unreachable, next …"
    assert told("partner", "webhooks", "Kaze", "--dead") == ["There are none."]
    now = clock.now()
    WebhookDelivery.objects.update(state="dead", ended_at=now, next_attempt_at=None)
    (dead,) = answer("partner", "webhooks", "Kaze", "--dead")
    assert dead == {
        "id": str(delivery.event_id),
        "type": "renewal.active",
        "renewal": sold.number,
        "state": "dead",
        "attempts": 1,
        "answer_status": None,
        "problem": "unreachable",
        "created_at": delivery.created_at.isoformat(),
        "ended_at": now.isoformat(),
        "next_attempt_at": None,
    }
    again = told("partner", "resend", str(delivery.event_id))
    assert again == [f"renewal.active of {sold.number} goes out again to Kaze."]
    assert WebhookDelivery.objects.get().state == "pending"
    removed = told("partner", "remove-webhook", "Kaze")
    assert removed == ["Kaze gets no webhooks any more; 1 that waited were given up."]
    assert answer("partner", "remove-webhook", "Kaze") == {"given_up": 0}
    assert refused("partner", "resend", str(delivery.event_id)).startswith("webhook-unset: the partner has no address")


@pytest.mark.parametrize(
    ("words", "beginning"),
    [
        (["partner", "create", "Kaze", "--all-cards"], "partner-exists: there is a partner of this name; nothing"),
        (["partner", "create", "Umi"], "partner-malformed: say whose cards: --all-cards, or --card-group"),
        (["partner", "create", " ", "--all-cards"], "partner-malformed: a name has 1 to 64 characters"),
        (["partner", "create", "Umi", "--all-cards", "--balance-minor=-1"], "partner-malformed: the balance must be 0"),
        (["partner", "create", "Umi", "--all-cards", "--low-balance-minor=1"], "partner-malformed: a notice of a low"),
        (["partner", "show", "Nobody"], "partner-unknown: there is no partner of this name; `tsuzuku partner list`"),
        (["partner", "top-up", "Kaze", "0", "--reference", "x"], "partner-malformed: the amount must be more than 0"),
        (["partner", "top-up", "Kaze", "6", "--reference", "opening"], "top-up-reused: this reference has topped"),
        (["partner", "set-webhook", "Kaze", "http://a.example"], "webhook-address-refused: webhooks go to https"),
        (["partner", "set-webhook", "Kaze", "https://127.0.0.1"], "webhook-address-refused: the host is, or leads to"),
        (["partner", "resend", "0d5b7a52-3c59-4b5f-9f0a-6d5a1a1c2e77"], "webhook-event-unknown: no webhook has this"),
        (["api-key", "revoke", "4711"], "api-key-unknown: there is no key of this number; `tsuzuku api-key list"),
        (["api-key", "create", "--partner", "Nobody", "--scope", "cards:read"], "partner-unknown: there is no partner"),
        (
            ["api-key", "create", "--partner", "Kaze", "--scope", "cards:read", "--calls-per-second=0"],
            "calls-per-second",
        ),
    ],
)
def test_what_is_refused_says_what_to_do(words: list[str], beginning: str) -> None:
    make("Kaze")
    line = refused(*words)
    assert line[: len(beginning)] == beginning
    assert "\n" not in line


@pytest.mark.parametrize(
    "words",
    [
        ["partner", "create", "Kaze", "--all-cards", "--currency", "yen"],
        ["partner", "top-up", "Kaze", "5"],
        ["partner", "resend", "no-id"],
        ["api-key", "create", "--partner", "Kaze"],
        ["api-key", "create", "--partner", "Kaze", "--scope", "cards:write"],
        ["api-key", "revoke", "tsz_1"],
    ],
)
def test_wrong_usage(words: list[str]) -> None:
    assert run(*words).exit_code == 2


def test_every_code_that_is_explained_stands_in_the_operating_pages() -> None:
    from pathlib import Path

    from tsuzuku.project.commands.partner import WHAT_TO_DO
    from tsuzuku.sellers import errors

    page = (Path(__file__).resolve().parents[3] / "docs/operating/partners.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z-]+)` \|", page.partition("## What is refused")[2], re.MULTILINE))
    ours = {error.code for error in vars(errors).values() if isinstance(getattr(error, "code", None), str)}
    assert named == ours | (set(WHAT_TO_DO) - {"account-unknown"})
