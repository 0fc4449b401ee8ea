# SPDX-License-Identifier: Apache-2.0
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from tsuzuku.journal.chores import chore
from tsuzuku.kernel import clock
from tsuzuku.messaging import forgetting, ports
from tsuzuku.messaging.actions import GIVE_UP_AFTER, LEASE, SEND_MESSAGES, send_due_messages, send_message
from tsuzuku.messaging.forgetting import forget_old_messages, has_old_messages
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.queries import can_send, has_messages_to_send, list_mailbox
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.testing.fakes import FakeGateway, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    gateway = FakeGateway()
    with using_gateway(AddressKind.EMAIL, gateway):
        yield gateway


def queue(dedupe_key: str = "paid:T-1", *, address: str = "mei@example.com", subject: str = "Online") -> None:
    send_message(
        dedupe_key=dedupe_key,
        kind=AddressKind.EMAIL,
        address=address,
        language="zh-hans",
        subject=subject,
        text="3.4 GB",
        html="<p>3.4 GB</p>",
        purpose="order:T-1",
        now=clock.now(),
    )


def states() -> list[tuple[str, str, int]]:
    return list(Message.objects.order_by("pk").values_list("state", "problem", "attempts"))


def test_what_was_written_long_ago_is_emptied_in_portions_and_never_sent_again(
    gateway: FakeGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEEP_MESSAGES_DAYS = 30
    monkeypatch.setattr(forgetting, "_PORTION", 2)
    now = clock.now()
    for number in range(3):
        queue(f"old:{number}")
    send_due_messages()
    with clock.travel_to(now + timedelta(days=2)):
        queue("young")
        send_due_messages()
    with clock.travel_to(now + timedelta(days=31)):
        assert has_old_messages(clock.now())
        assert (forget_old_messages(), has_old_messages(clock.now())) == (3, False)
        queue("old:0")
        assert send_due_messages() == 0
    told = Message.objects.order_by("pk").values_list("dedupe_key", "purpose", "state", "address", "text", "html")
    emptied = [(f"old:{number}", "order:T-1", "sent", "", "", "") for number in range(3)]
    assert list(told) == [*emptied, ("young", "order:T-1", "sent", "mei@example.com", "3.4 GB", "<p>3.4 GB</p>")]
    assert {*Message.objects.filter(address="").values_list("subject", "link", "gateway_reference")} == {("", "", "")}


def test_a_queued_message_is_sent_once(gateway: FakeGateway) -> None:
    queue()
    assert has_messages_to_send(clock.now())
    assert [send_due_messages(), send_due_messages()] == [1, 0]
    message = Message.objects.get()
    assert [kept.message for kept in gateway.sent] == [
        ports.OutgoingMessage(
            message_id=f"{message.reference}@tsuzuku.example",
            kind=AddressKind.EMAIL,
            address="mei@example.com",
            language="zh-hans",
            subject="Online",
            text="3.4 GB",
            html="<p>3.4 GB</p>",
        )
    ]
    assert states() == [("sent", "", 1)]
    assert message.ended_at is not None
    assert not has_messages_to_send(clock.now() + timedelta(days=1))


def test_the_first_of_a_key_counts(gateway: FakeGateway) -> None:
    queue(subject="first")
    queue(subject="second")
    send_due_messages()
    queue(subject="third")
    send_due_messages()
    assert [kept.message.subject for kept in gateway.sent] == ["first"]


def test_a_message_that_was_rolled_back_is_not_sent(gateway: FakeGateway) -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert send_due_messages() == 0


@pytest.mark.parametrize(("address", "subject"), [("", "x"), ("a@example.com", "x\nBcc: b@example.com")])
def test_a_caller_must_know_whom_and_what(address: str, subject: str) -> None:
    with pytest.raises(ValueError, match="address"):
        queue(address=address, subject=subject)


def test_a_refusal_is_final(gateway: FakeGateway) -> None:
    queue()
    gateway.script.add(Outcome.REFUSED)
    send_due_messages()
    assert states() == [("failed", "refused-on-demand", 1)]
    with clock.travel_to(clock.now() + timedelta(days=1)):
        assert send_due_messages() == 0


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.UNAVAILABLE, "unavailable-on-demand"), (Outcome.LOST, "unanswered-on-demand")],
)
def test_what_was_not_taken_is_tried_again(gateway: FakeGateway, outcome: Outcome, code: str) -> None:
    queue()
    gateway.script.add(outcome, outcome)
    send_due_messages()
    assert states() == [("queued", code, 1)]
    with clock.travel_to(clock.now() + timedelta(seconds=1)):
        send_due_messages()
    assert states() == [("queued", code, 2)]
    with clock.travel_to(clock.now() + timedelta(seconds=1)):
        assert send_due_messages() == 0
    with clock.travel_to(clock.now() + timedelta(seconds=5)):
        send_due_messages()
    assert states() == [("sent", "", 3)]
    assert len(gateway.sent) == 1


def test_a_message_that_nobody_takes_for_days_is_given_up(gateway: FakeGateway) -> None:
    queue()
    gateway.script.add(*[Outcome.UNAVAILABLE] * 2)
    with clock.travel_to(clock.now() + GIVE_UP_AFTER - timedelta(minutes=1)):
        send_due_messages()
    assert states() == [("queued", "unavailable-on-demand", 1)]
    with clock.travel_to(clock.now() + GIVE_UP_AFTER + timedelta(minutes=1)):
        send_due_messages()
    assert states() == [("failed", "unavailable-on-demand", 2)]


def test_one_bad_message_keeps_back_nobody(gateway: FakeGateway, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeGateway):
        def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            if message.subject == "bad":
                raise RuntimeError(f"cannot write to {message.address}")
            return super().send(message)

    queue("one", subject="bad")
    queue("two", subject="good")
    broken = Broken()
    with using_gateway(AddressKind.EMAIL, broken):
        send_due_messages()
    assert states() == [("queued", "RuntimeError", 1), ("sent", "", 1)]
    assert "mei@example.com" not in caplog.text


def test_who_died_with_a_message_is_followed_after_the_lease(gateway: FakeGateway) -> None:
    class Killed(BaseException):
        """As a process ends: nothing is caught, nothing is written any more."""

    class Dying(FakeGateway):
        def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            gateway.send(message)
            raise Killed

    queue()
    with using_gateway(AddressKind.EMAIL, Dying()), pytest.raises(Killed):
        send_due_messages()
    assert send_due_messages() == 0
    with clock.travel_to(clock.now() + LEASE):
        assert has_messages_to_send(clock.now())
        assert send_due_messages() == 1
    first, again = (kept.message for kept in gateway.sent)
    assert first == again
    assert states() == [("sent", "", 2)]


def test_who_comes_late_writes_nothing_over_who_followed(gateway: FakeGateway) -> None:
    class Slow(FakeGateway):
        def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            with clock.travel_to(clock.now() + LEASE), using_gateway(AddressKind.EMAIL, gateway):
                send_due_messages()
            gateway.script.add(Outcome.REFUSED)
            return gateway.send(message)

    queue()
    with using_gateway(AddressKind.EMAIL, Slow()):
        send_due_messages()
    assert states() == [("sent", "", 2)]


def test_a_lease_that_is_nearly_over_sends_nothing_more(gateway: FakeGateway) -> None:
    class Slow(FakeGateway):
        """The first message takes nearly the whole lease."""

        def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            if not self.sent:
                traveller.enter_context(clock.travel_to(clock.now() + LEASE - timedelta(seconds=30)))
            return super().send(message)

    from contextlib import ExitStack

    queue("one")
    queue("two")
    slow = Slow()
    with ExitStack() as traveller, using_gateway(AddressKind.EMAIL, slow):
        send_due_messages()
        assert states() == [("sent", "", 1), ("queued", "lease-short", 1)]
        with clock.travel_to(clock.now() + timedelta(seconds=1)):
            send_due_messages()
    assert states() == [("sent", "", 1), ("sent", "", 2)]
    assert len(slow.sent) == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_message_once(gateway: FakeGateway) -> None:
    for number in range(60):
        queue(f"key-{number}")
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        send_due_messages()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({kept.message.message_id for kept in gateway.sent}) == len(gateway.sent) == 60
    assert set(states()) == {("sent", "", 1)}


def test_sends_outside_any_transaction() -> None:
    within = []

    class Watching(FakeGateway):
        def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            within.append(len(connection.savepoint_ids))
            return super().send(message)

    queue()
    before = len(connection.savepoint_ids)
    with using_gateway(AddressKind.EMAIL, Watching()):
        send_due_messages()
    assert within == [before]


def test_the_database_keeps_the_states_straight() -> None:
    queue()
    for wrong in ({"state": "lost"}, {"kind": "pigeon"}, {"next_attempt_at": None}, {"state": "sent"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.update(**wrong)


def test_is_a_chore() -> None:
    assert chore(SEND_MESSAGES).run is send_due_messages


def test_the_mailbox_lists_what_the_gateway_keeps(gateway: FakeGateway) -> None:
    for number in range(3):
        queue(f"key-{number}", subject=f"{number}")
    send_due_messages()
    assert [kept.message.subject for kept in list_mailbox(limit=2)] == ["2", "1"]


def test_the_mailbox_of_a_gateway_that_keeps_nothing_is_empty() -> None:
    class Real(FakeGateway):
        @property
        def capabilities(self) -> ports.Capabilities:
            return ports.Capabilities(keeps_copies=False)

    with using_gateway(AddressKind.EMAIL, Real()):
        assert list_mailbox() == ()


def test_an_sms_is_text_alone_and_a_push_leads_somewhere() -> None:
    words: dict[str, Any] = {"language": "ja", "text": "残り0.4 GB", "purpose": "card:1", "now": clock.now()}
    phone, browser = FakeGateway(), FakeGateway()
    with using_gateway(AddressKind.SMS, phone), using_gateway(AddressKind.PUSH, browser):
        send_message(dedupe_key="1", kind=AddressKind.SMS, address="+819012345678", **words)
        send_message(dedupe_key="2", kind=AddressKind.PUSH, address="{}", subject="続く", link="/c/1", **words)
        send_due_messages()
    told = [kept.message for kept in (*phone.sent, *browser.sent)]
    assert [(each.kind, each.subject, each.text, each.link) for each in told] == [
        (AddressKind.SMS, "", "残り0.4 GB", ""),
        (AddressKind.PUSH, "続く", "残り0.4 GB", "/c/1"),
    ]


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        (AddressKind.SMS, {"subject": "x"}),
        (AddressKind.SMS, {"html": "x"}),
        (AddressKind.SMS, {"link": "/x"}),
        (AddressKind.PUSH, {"html": "x"}),
        (AddressKind.EMAIL, {"link": "/x"}),
    ],
)
def test_what_a_kind_of_address_has_no_place_for_is_an_error(kind: AddressKind, extra: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only"):
        send_message(
            dedupe_key="1", kind=kind, address="a", language="en", text="x", purpose="p", now=clock.now(), **extra
        )


def test_without_a_gateway_a_kind_is_not_offered_and_what_waits_goes_on_waiting() -> None:
    assert [can_send(kind) for kind in AddressKind] == [True, False, False]
    send_message(
        dedupe_key="1",
        kind=AddressKind.SMS,
        address="+819012345678",
        language="ja",
        text="x",
        purpose="p",
        now=clock.now(),
    )
    send_due_messages()
    assert states() == [("queued", "no-gateway", 1)]
    with using_gateway(AddressKind.SMS, FakeGateway()):
        assert can_send(AddressKind.SMS)
        with clock.travel_to(clock.now() + timedelta(minutes=1)):
            send_due_messages()
    assert states() == [("sent", "", 2)]
