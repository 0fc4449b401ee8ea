# SPDX-License-Identifier: Apache-2.0
"""Partners are told the end of renewals that were under way when they were answered: once, signed, and stubbornly."""

import json
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from tsuzuku.cards.models import Card
from tsuzuku.journal.chores import chore
from tsuzuku.journal.claims import claim
from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import CONNECT_SECONDS
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.public_calls import Answer
from tsuzuku.kernel.public_hosts import Refused
from tsuzuku.kernel.signatures import check_signature
from tsuzuku.orders.links import link_of
from tsuzuku.project.audit import findings
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.selling import Purchase, Sold, sell_renewals
from tsuzuku.sellers import delivering
from tsuzuku.sellers.delivering import LEASE, has_webhooks_to_send, send_webhooks
from tsuzuku.sellers.errors import (
    PartnerUnknown,
    WebhookAddressRefused,
    WebhookEventUnknown,
    WebhookHeld,
    WebhookUnset,
)
from tsuzuku.sellers.models import Partner, WebhookDelivery
from tsuzuku.sellers.queries import partner_named, webhooks_of
from tsuzuku.sellers.renewal_json import moment_text
from tsuzuku.sellers.webhooks import (
    KEEP_RECEIVED,
    RETRY_AFTER,
    SEND_WEBHOOKS,
    announce_endings,
    remove_webhook,
    resend_webhook,
    set_webhook,
    webhook_secret,
)
from tsuzuku.testing.certificates import Authority
from tsuzuku.testing.factories import make_card, make_partner, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, open_house
from tsuzuku.testing.receiver import WebhookReceiver, receiving

pytestmark = pytest.mark.django_db

UNREACHABLE = "https://localhost:9/hook"


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        make_plan("GB-1-3D")
        yield house


@pytest.fixture
def secret(receiver: WebhookReceiver) -> str:
    """The secret of a partner Kaze who receives."""
    make_partner("Kaze")
    return hook("Kaze", receiver.url)


def hook(name: str, url: str) -> str:
    return set_webhook(name=name, url=url, actor="operator", now=clock.now())


def buy(name: str = "Kaze", *, key: str = "k1", card: Card | None = None) -> Sold:
    actor = partner_named(name).actor
    purchase = Purchase(
        iccid=Iccid((card or make_card()).iccid),
        plan_code="GB-1-3D",
        key=key,
        actor=actor,
        account=actor,
        card_groups=None,
    )
    (sold,) = sell_renewals([purchase], channel="api", now=clock.now())
    assert isinstance(sold, Sold)
    return sold


def queue(name: str = "Kaze", *, count: int = 1) -> list[WebhookDelivery]:
    """Webhooks to a partner, due now and not sent."""
    before = set(WebhookDelivery.objects.values_list("pk", flat=True))
    for _ in range(count):
        buy(name)
    chore("activate renewals").run()
    chore("deliver sellers announce activation").run()
    return list(WebhookDelivery.objects.exclude(pk__in=before).order_by("pk"))


def states() -> list[tuple[str, str, int]]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("state", "problem", "attempts"))


def nothing_comes(receiver: WebhookReceiver) -> bool:
    try:
        receiver.take(wait_seconds=0.05)
    except TimeoutError:
        return True
    return False


# -- address and secret ------------------------------------------------------------------------------------------------


def test_an_address_gets_a_secret_of_its_own(own_network: None) -> None:
    make_partner("Kaze"), make_partner("Umi")
    secrets = [
        hook("Kaze", "https://127.0.0.1/a"),
        hook("Umi", "https://127.0.0.1/a"),
        hook("Kaze", "https://127.0.0.1/b"),
    ]
    assert [secret[:6] for secret in secrets] == ["whsec_"] * 3
    assert len({*secrets}) == 3
    kaze = partner_named("Kaze")
    assert kaze.webhook_url == "https://127.0.0.1/b"
    assert webhook_secret(kaze) == secrets[2]
    assert secrets[2].encode() not in bytes(kaze.webhook_secret_sealed or b"")
    assert list(Fact.objects.filter(kind="webhook-set").values_list("body", flat=True)) == [
        {"partner_id": partner.pk} for partner in (kaze, partner_named("Umi"), kaze)
    ]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://partner.example/", Refused.NOT_HTTPS),
        ("https://user:word@partner.example/", Refused.CREDENTIALS),
        ("https://partner example/", Refused.MALFORMED),
        ("https://no-such-host.invalid/", Refused.HOST_UNKNOWN),
        ("https://localhost/", Refused.NOT_PUBLIC),
        ("https://10.0.0.1/", Refused.NOT_PUBLIC),
        ("https://169.254.169.254/latest", Refused.NOT_PUBLIC),
        ("https://[::1]/", Refused.NOT_PUBLIC),
        ("https://[::ffff:10.0.0.1]/", Refused.NOT_PUBLIC),
        ("https://[64:ff9b::a00:1]/", Refused.NOT_PUBLIC),
    ],
)
def test_an_address_inside_is_refused_when_saved(url: str, reason: Refused) -> None:
    make_partner("Kaze")
    with pytest.raises(WebhookAddressRefused) as refused:
        hook("Kaze", url)
    assert refused.value.reason is reason
    assert partner_named("Kaze").webhook_url == ""


def test_a_public_address_is_taken() -> None:
    make_partner("Kaze")
    url = "https://hooks.kaze.example/tsuzuku"
    set_webhook(
        name="Kaze",
        url=url,
        actor="operator",
        now=clock.now(),
        resolve=lambda host, port: [ip_address("93.184.216.34")],
    )
    assert partner_named("Kaze").webhook_url == url
    with pytest.raises(PartnerUnknown):
        hook("Nobody", url)


# -- what is told ------------------------------------------------------------------------------------------------------


def test_the_activation_is_told_signed_and_as_the_contract_says(
    house: House, receiver: WebhookReceiver, secret: str, settings: Settings
) -> None:
    card = make_card()
    sold = buy(card=card)
    assert sold.state == "activating"
    house.settle_down()

    ((headers, body),) = receiver.take()
    check_signature(headers["Tsuzuku-Signature"], body=body, secrets=[secret], now=clock.now())
    assert headers["Content-Type"] == "application/json"
    delivery = WebhookDelivery.objects.get()
    allowance = house.allowance(card)
    assert allowance.online_until is not None
    renewal = Renewal.objects.get()
    assert json.loads(body) == {
        "id": str(delivery.event_id),
        "type": "renewal.active",
        "at": moment_text(renewal.moves.get(target="active").at),
        "renewal": {
            "number": sold.number,
            "state": "active",
            "iccid": card.iccid,
            "plan": "GB-1-3D",
            "price": {"amount_minor": 300, "currency": "JPY"},
            "remaining_bytes": 1_000_000_000,
            "online_until": moment_text(allowance.online_until),
            "receipt_url": link_of(sold.number),
        },
    }
    assert (states(), delivery.answer_status) == ([("delivered", "", 1)], 200)
    assert not has_webhooks_to_send(clock.now() + timedelta(days=9))
    # Who gets the link from the partner has no session here.
    stranger = Client()
    opened = stranger.get(json.loads(body)["renewal"]["receipt_url"].removeprefix(settings.PUBLIC_URL), follow=True)
    assert (opened.status_code, opened.context["order"].number) == (200, sold.number)
    assert Client().get(f"/o/{sold.number}").status_code == 404


def test_the_end_of_a_renewal_that_will_not_happen_is_told_too(
    house: House, receiver: WebhookReceiver, secret: str
) -> None:
    house.carrier.script.add(Outcome.REFUSED)
    sold = buy()
    house.settle_down()
    ((_, body),) = receiver.take()
    told = json.loads(body)
    renewal = Renewal.objects.get()
    assert renewal.state == "withdrawn"
    assert (told["type"], told["renewal"]["number"], told["renewal"]["state"]) == (
        "renewal.refused",
        sold.number,
        "withdrawn",
    )
    assert (told["renewal"]["remaining_bytes"], told["renewal"]["online_until"]) == (0, None)


def test_what_was_active_in_the_call_itself_is_not_told(house: House, receiver: WebhookReceiver, secret: str) -> None:
    house.carrier.confirms_at_once = True
    assert buy().state == "active"
    house.settle_down()
    announce_endings(renewal_ids=[Renewal.objects.get().pk], now=clock.now())
    assert states() == []


def test_a_customers_renewal_is_not_told(house: House, receiver: WebhookReceiver, secret: str) -> None:
    house.pay(house.order(make_card(), "GB-1-3D"))
    assert Renewal.objects.get().state == "active"
    announce_endings(renewal_ids=[Renewal.objects.get().pk], now=clock.now())
    assert states() == []


def test_a_partner_without_an_address_is_told_nothing(house: House) -> None:
    make_partner("Kaze")
    buy()
    house.settle_down()
    assert (Renewal.objects.get().state, states()) == ("active", [])


def test_an_end_is_told_once_however_often_it_is_heard(house: House, receiver: WebhookReceiver, secret: str) -> None:
    (first,) = queue()
    announce_endings(renewal_ids=[first.renewal_id, first.renewal_id], now=clock.now())
    announce_endings(renewal_ids=[first.renewal_id], now=clock.now())
    assert list(WebhookDelivery.objects.all()) == [first]


def test_what_has_not_ended_is_not_told(house: House, receiver: WebhookReceiver, secret: str) -> None:
    buy()
    announce_endings(renewal_ids=[Renewal.objects.get().pk], now=clock.now())
    announce_endings(renewal_ids=[], now=clock.now())
    assert states() == []


# -- sending -----------------------------------------------------------------------------------------------------------


def test_no_receipt_means_again_at_the_contracts_pace_and_then_dead(
    house: House, receiver: WebhookReceiver, secret: str
) -> None:
    (delivery,) = queue()
    seconds = [10, 60, 300, 1800, 7200, 21600, 43200, 86400]
    assert [each.total_seconds() for each in RETRY_AFTER] == seconds
    at = clock.now()
    tried: list[bytes] = []
    for tries, pause in enumerate([*seconds, None], start=1):
        receiver.answers.append(500)
        with clock.travel_to(at):
            assert send_webhooks() == 1
            assert send_webhooks() == 0
            delivery.refresh_from_db()
            ((headers, body),) = receiver.take()
            check_signature(headers["Tsuzuku-Signature"], body=body, secrets=[secret], now=clock.now())
        tried.append(body)
        if pause is None:
            assert states() == [("dead", "http-500", 9)]
        else:
            assert states() == [("pending", "http-500", tries)]
            assert delivery.next_attempt_at is not None
            assert timedelta(0) <= delivery.next_attempt_at - at - timedelta(seconds=pause) < timedelta(seconds=5)
            assert not has_webhooks_to_send(delivery.next_attempt_at - timedelta(seconds=1))
            at = delivery.next_attempt_at
    assert tried == [delivery.body.encode()] * 9
    assert not has_webhooks_to_send(at + timedelta(days=30))
    with clock.travel_to(at):
        house.settle_down()
    assert house.subjects() == ["We could not deliver a webhook to you"]
    (mail,) = [kept.message for kept in house.gateway.sent]
    assert mail.address == "ops@kaze.example"
    assert str(delivery.event_id) in mail.text


def test_of_many_that_died_a_partner_hears_once_a_day(house: House, receiver: WebhookReceiver, secret: str) -> None:
    queue(count=2)
    receiver.answers.extend([500, 500])
    WebhookDelivery.objects.update(attempts=len(RETRY_AFTER))
    send_webhooks()
    assert states() == [("dead", "http-500", 9)] * 2
    house.settle_down()
    assert house.subjects() == ["We could not deliver a webhook to you"]


def test_a_partner_without_a_mail_address_is_told_by_nobody(house: House, receiver: WebhookReceiver) -> None:
    make_partner("Umi", email="")
    hook("Umi", receiver.url)
    queue("Umi")
    receiver.answers.append(500)
    WebhookDelivery.objects.update(attempts=len(RETRY_AFTER))
    house.settle_down()
    assert (states(), house.subjects()) == ([("dead", "http-500", 9)], [])


def test_a_redirect_is_no_receipt(house: House, receiver: WebhookReceiver, secret: str) -> None:
    queue()
    receiver.answers.append(302)
    send_webhooks()
    assert states() == [("pending", "http-302", 1)]


def test_a_new_address_and_secret_hold_for_what_waits(
    house: House, receiver: WebhookReceiver, authority: Authority, secret: str
) -> None:
    queue()
    with receiving(tls=authority.server("localhost"), host="localhost") as moved:
        other = hook("Kaze", moved.url)
        send_webhooks()
        ((headers, body),) = moved.take()
    assert nothing_comes(receiver)
    check_signature(headers["Tsuzuku-Signature"], body=body, secrets=[other], now=clock.now())


def test_an_address_that_has_moved_inside_is_not_called(
    house: House, receiver: WebhookReceiver, secret: str, settings: Settings
) -> None:
    queue()
    settings.WEBHOOK_PRIVATE_NETWORKS = []
    send_webhooks()
    assert states() == [("pending", "address-not-public", 1)]
    assert nothing_comes(receiver)


def test_a_silent_address_is_left_alone_for_a_while_and_then_asked_with_one(
    house: House, receiver: WebhookReceiver, secret: str
) -> None:
    hook("Kaze", UNREACHABLE)
    queue(count=6)
    began = clock.now()
    assert send_webhooks() == 1
    assert [problem for _, problem, _ in states()] == ["unreachable"] + [""] * 5
    kaze = partner_named("Kaze")
    assert kaze.webhook_silent_since is not None
    assert not has_webhooks_to_send(began + timedelta(seconds=9))
    with clock.travel_to(began + timedelta(seconds=15)):
        assert send_webhooks() == 1
    with clock.travel_to(began + timedelta(seconds=40)):
        Partner.objects.update(webhook_url=receiver.url)
        assert send_webhooks() == 6
    assert {state for state, _, _ in states()} == {"delivered"}
    assert Partner.objects.filter(webhook_silent_since=None, webhook_paused_until=None).exists()


def test_receivers_that_hang_delay_nobody_else(house: House, receiver: WebhookReceiver, secret: str) -> None:
    """They accept a connection and say nothing: each call to them takes as long as a call may take to connect."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as hanging:
        for number in range(6):
            make_partner(f"Hanging {number}")
            hook(f"Hanging {number}", f"https://localhost:{hanging.getsockname()[1]}/")
            queue(f"Hanging {number}", count=6)
        queue(count=20)
        began = time.monotonic()
        send_webhooks()
        took = time.monotonic() - began
    arrived = receiver.take(20, wait_seconds=1)
    assert len({body for _, body in arrived}) == 20
    delivered = WebhookDelivery.objects.filter(partner=partner_named("Kaze"))
    assert {delivery.state for delivery in delivered} == {"delivered"}
    ended = sorted(delivery.ended_at for delivery in delivered if delivery.ended_at is not None)
    assert ended[-1] - ended[0] < timedelta(seconds=CONNECT_SECONDS)
    assert CONNECT_SECONDS <= took < 2 * CONNECT_SECONDS


def test_only_one_sending_runs_in_a_process(house: House, receiver: WebhookReceiver, secret: str) -> None:
    queue()
    with delivering._is_sending:
        assert send_webhooks() == 0
    assert send_webhooks() == 1


def test_who_died_with_a_webhook_is_followed_after_the_lease(
    house: House, receiver: WebhookReceiver, secret: str
) -> None:
    (delivery,) = queue()
    now = clock.now()
    (held,) = delivering._claim(delivering._Shares(), now=now)
    assert (held, delivering._claim(delivering._Shares(), now=now)) == (delivery, [])
    with clock.travel_to(now + LEASE):
        assert send_webhooks() == 1
        # The one who was thought dead comes back late: it sends nothing, and what it writes changes nothing.
        late = delivering._call(held)
        assert late.problem == "lease-short"
        delivering._record(held, late, now=clock.now())
    assert states() == [("delivered", "", 2)]
    assert len(receiver.take()) == 1
    assert nothing_comes(receiver)


def test_a_row_that_cannot_be_sent_keeps_back_nobody(
    house: House, receiver: WebhookReceiver, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_partner("Broken")
    hook("Broken", receiver.url)
    Partner.objects.filter(name="Broken").update(webhook_secret_sealed=b"of another installation")
    queue("Broken")
    queue("Kaze")
    assert send_webhooks() == 2
    assert states() == [("pending", "failed", 1), ("delivered", "", 1)]
    assert (secret in caplog.text, receiver.url in caplog.text) == (False, False)


# -- sending again -----------------------------------------------------------------------------------------------------


def test_a_dead_or_received_one_can_be_sent_again_under_its_id(
    house: House, receiver: WebhookReceiver, secret: str
) -> None:
    (delivery,) = queue()
    send_webhooks()
    resend_webhook(event_id=delivery.event_id, now=clock.now())
    assert states() == [("pending", "", 1)]
    send_webhooks()
    assert states() == [("delivered", "", 2)]
    WebhookDelivery.objects.update(state="dead")
    receiver.answers.append(500)
    resend_webhook(event_id=delivery.event_id, now=clock.now())
    send_webhooks()
    # The pace begins anew.
    assert states() == [("pending", "http-500", 3)]
    delivery.refresh_from_db()
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at < clock.now() + RETRY_AFTER[0]
    assert {body for _, body in receiver.take(3)} == {delivery.body.encode()}


def test_one_that_waits_for_its_next_try_is_tried_now(house: House, receiver: WebhookReceiver, secret: str) -> None:
    hook("Kaze", UNREACHABLE)
    (delivery,) = queue()
    send_webhooks()
    Partner.objects.update(webhook_url=receiver.url)
    assert send_webhooks() == 0
    resend_webhook(event_id=delivery.event_id, now=clock.now())
    assert send_webhooks() == 1
    assert states() == [("delivered", "", 2)]


def test_one_that_is_being_sent_is_left_alone(house: House, receiver: WebhookReceiver, secret: str) -> None:
    (delivery,) = queue()
    delivering._claim(delivering._Shares(), now=clock.now())
    with pytest.raises(WebhookHeld):
        resend_webhook(event_id=delivery.event_id, now=clock.now())


def test_without_an_address_what_waits_is_given_up_and_nothing_more_is_told(
    house: House, receiver: WebhookReceiver, secret: str
) -> None:
    (waiting,) = queue()
    assert remove_webhook(name="Kaze", actor="operator", now=clock.now()) == 1
    assert (states(), send_webhooks()) == ([("dead", "address-removed", 0)], 0)
    assert queue() == []
    assert Fact.objects.filter(kind="webhook-removed").count() == 1
    assert remove_webhook(name="Kaze", actor="operator", now=clock.now()) == 0
    with pytest.raises(WebhookUnset):
        resend_webhook(event_id=waiting.event_id, now=clock.now())
    assert list(findings()) == []

    hook("Kaze", receiver.url)
    resend_webhook(event_id=waiting.event_id, now=clock.now())
    send_webhooks()
    assert states() == [("delivered", "", 1)]
    assert list(findings()) == []


def test_an_address_is_removed_while_it_is_called(house: House, receiver: WebhookReceiver, secret: str) -> None:
    queue()
    (held,) = claim(WebhookDelivery.objects.all(), now=clock.now(), lease=LEASE, limit=1)
    remove_webhook(name="Kaze", actor="operator", now=clock.now())
    delivering._record(held, Answer(status=500), now=clock.now())
    assert states() == [("dead", "address-removed", 1)]


def test_one_that_was_received_is_forgotten_after_a_while(house: House, receiver: WebhookReceiver, secret: str) -> None:
    queue()
    send_webhooks()
    (dead,) = queue()
    WebhookDelivery.objects.filter(pk=dead.pk).update(state="dead", next_attempt_at=None, ended_at=clock.now())
    received_at = clock.now()
    forget = chore("forget webhooks")
    with clock.travel_to(received_at + KEEP_RECEIVED - timedelta(minutes=1)):
        assert (forget.is_due(clock.now()), forget.run()) == (False, 0)
    with clock.travel_to(received_at + KEEP_RECEIVED + timedelta(minutes=1)):
        assert (forget.is_due(clock.now()), forget.run()) == (True, 1)
        assert [delivery.pk for delivery in WebhookDelivery.objects.all()] == [dead.pk]
        assert list(findings()) == []


def test_nothing_has_this_id() -> None:
    with pytest.raises(WebhookEventUnknown):
        resend_webhook(event_id=uuid.uuid4(), now=clock.now())


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_webhooks_are_listed_newest_first(house: House, receiver: WebhookReceiver, secret: str) -> None:
    make_partner("Umi")
    hook("Umi", receiver.url)
    one, two = queue(count=2)
    (other,) = queue("Umi")
    WebhookDelivery.objects.filter(pk=one.pk).update(state="dead", next_attempt_at=None, ended_at=clock.now())
    kaze = partner_named("Kaze")
    assert webhooks_of(kaze, only_dead=False, limit=9) == [two, one]
    assert webhooks_of(kaze, only_dead=False, limit=1) == [two]
    assert webhooks_of(kaze, only_dead=True, limit=9) == [one]
    assert webhooks_of(other.partner, only_dead=True, limit=9) == []


def test_the_database_keeps_the_states_straight(house: House, receiver: WebhookReceiver, secret: str) -> None:
    queue()
    for wrong in ({"state": "lost"}, {"next_attempt_at": None}, {"state": "dead"}, {"ended_at": clock.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WebhookDelivery.objects.update(**wrong)


def test_is_a_chore() -> None:
    assert chore(SEND_WEBHOOKS).run is send_webhooks
