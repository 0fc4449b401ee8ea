# SPDX-License-Identifier: Apache-2.0
"""What gateways tell of deliveries, and addresses at which nothing arrives."""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from django.db import connection

from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import Unavailable
from tsuzuku.messaging import ports, reports
from tsuzuku.messaging.actions import UNKNOWN_TRIES_MAX, send_due_messages, send_message
from tsuzuku.messaging.bounces import release_address
from tsuzuku.messaging.models import BouncedAddress, Message
from tsuzuku.messaging.ports import AddressKind, DeliveryReport, Verdict
from tsuzuku.messaging.queries import bounced_address, bounced_addresses
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.messaging.reports import collect_due_reports, has_reports_to_collect, take_reports
from tsuzuku.messaging.rules import REPORTS_COUNT_FOR, address_digest, masked_address
from tsuzuku.testing.fakes import FakeGateway, Outcome

pytestmark = pytest.mark.django_db
NUMBER = "+819012345678"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    gateway = FakeGateway()
    with using_gateway(AddressKind.SMS, gateway):
        yield gateway


def queue(key: str = "1", *, is_asked_for: bool = False, give_up_at: datetime | None = None) -> Message:
    send_message(
        dedupe_key=key, kind=AddressKind.SMS, address=NUMBER, language="ja", text="残りわずか", purpose="card:1",
        now=clock.now(), is_asked_for=is_asked_for, give_up_at=give_up_at,
    )  # fmt: skip
    return Message.objects.get(dedupe_key=key)


def sent(key: str = "1", *, is_asked_for: bool = False) -> Message:
    queue(key, is_asked_for=is_asked_for)
    send_due_messages()
    return Message.objects.get(dedupe_key=key)


def report(message: Message, verdict: Verdict, reason: str = "") -> int:
    told = DeliveryReport(reference=message.gateway_reference, verdict=verdict, reason=reason)
    return take_reports(kind=AddressKind.SMS, reports=[told], now=clock.now())


def states() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("pk").values_list("state", "problem"))


@pytest.mark.parametrize(
    ("verdict", "state", "bounced"),
    [
        (Verdict.DELIVERED, "delivered", 0),
        (Verdict.BOUNCED, "bounced", 1),
        (Verdict.FAILED, "failed", 0),
        (Verdict.UNKNOWN, "sent", 0),
    ],
)
def test_a_report_says_what_became_of_a_message(
    gateway: FakeGateway, verdict: Verdict, state: str, bounced: int
) -> None:
    message = sent()
    assert report(message, verdict, "x") == 1
    assert (states()[0][0], BouncedAddress.objects.count()) == (state, bounced)
    assert (Message.objects.get().reported_at is None) is (verdict is Verdict.UNKNOWN)


def test_the_first_word_that_is_final_is_the_last(gateway: FakeGateway) -> None:
    message = sent()
    for verdict in (Verdict.DELIVERED, Verdict.DELIVERED, Verdict.BOUNCED, Verdict.FAILED):
        report(message, verdict)
    assert (states(), BouncedAddress.objects.count()) == ([("delivered", "")], 0)


def test_a_report_that_comes_too_late_moves_nothing(gateway: FakeGateway) -> None:
    message = sent()
    with clock.travel_to(clock.now() + REPORTS_COUNT_FOR + timedelta(minutes=1)):
        assert report(message, Verdict.BOUNCED) == 1
    assert (states(), BouncedAddress.objects.count()) == ([("sent", "")], 0)


def test_a_report_about_nothing_of_ours_is_known_as_such(gateway: FakeGateway) -> None:
    sent()
    for told in ({"reference": "other"}, {"message_id": "no-uuid@x"}, {}):
        told_of = DeliveryReport(verdict=Verdict.BOUNCED, **told)
        assert take_reports(kind=AddressKind.SMS, reports=[told_of], now=clock.now()) == 0
    assert states() == [("sent", "")]


def test_a_report_that_overtakes_the_answer_has_the_last_word() -> None:
    class Quick(FakeGateway):
        def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            told = DeliveryReport(message_id=message.message_id, verdict=Verdict.DELIVERED)
            assert take_reports(kind=AddressKind.SMS, reports=[told], now=clock.now()) == 1
            return super().send(message)

    with using_gateway(AddressKind.SMS, Quick()):
        sent()
        assert send_due_messages() == 0
    assert states() == [("delivered", "")]


def test_an_address_that_bounced_is_left_alone_until_its_owner_says_so(gateway: FakeGateway) -> None:
    gateway.dead.add(NUMBER)
    sent("1")
    sent("2")
    assert states() == [("bounced", "dead-on-demand"), ("failed", "address-bounced")]
    (row,) = bounced_addresses([(AddressKind.SMS, NUMBER), (AddressKind.SMS, "+819000000000")])
    fact = Fact.objects.get(kind="address-bounced")
    assert fact.body == {
        "bounced_id": row.pk,
        "address_kind": "sms",
        "masked": "+81···678",
        "problem": "dead-on-demand",
        "purpose": "card:1",
    }
    assert bounced_address(row.pk) == row
    gateway.dead.clear()
    assert sent("3", is_asked_for=True).state == "sent"
    assert sent("4").state == "failed"
    release_address(kind=AddressKind.SMS, address=NUMBER)
    assert sent("5").state == "sent"
    assert (bounced_addresses([(AddressKind.SMS, NUMBER)]), bounced_address(row.pk)) == ([], None)


def test_what_is_over_is_not_said(gateway: FakeGateway) -> None:
    queue("1", give_up_at=clock.now() + timedelta(hours=3))
    with clock.travel_to(clock.now() + timedelta(hours=3, minutes=1)):
        send_due_messages()
    assert (states(), gateway.sent) == ([("failed", "too-late")], [])


def test_an_sms_is_not_paid_for_again_and_again(gateway: FakeGateway) -> None:
    queue("1")
    gateway.script.add(*[Outcome.DONE_UNANSWERED] * (UNKNOWN_TRIES_MAX + 1))
    for minutes in range(10):
        with clock.travel_to(clock.now() + timedelta(minutes=10 * minutes)):
            send_due_messages()
    assert (states(), len(gateway.sent)) == ([("failed", "unanswered-on-demand")], UNKNOWN_TRIES_MAX)


def test_what_is_delivered_after_all_frees_its_address(gateway: FakeGateway) -> None:
    gateway.dead.add(NUMBER)
    sent("1")
    gateway.dead.clear()
    report(sent("2", is_asked_for=True), Verdict.DELIVERED)
    assert BouncedAddress.objects.count() == 0


def test_a_mail_address_is_the_same_in_capitals() -> None:
    assert address_digest(AddressKind.EMAIL, "Mei@Example.com") == address_digest(AddressKind.EMAIL, "mei@example.com")
    assert address_digest(AddressKind.PUSH, "A") != address_digest(AddressKind.PUSH, "a")


@pytest.mark.parametrize(
    ("kind", "address", "masked"),
    [
        (AddressKind.EMAIL, "mei@example.com", "m···@example.com"),
        (AddressKind.SMS, NUMBER, "+81···678"),
        (AddressKind.PUSH, '{"endpoint": "https://push.example/secret"}', "push.example"),
        (AddressKind.PUSH, "nothing", ""),
    ],
)
def test_only_some_of_an_address_is_told(kind: AddressKind, address: str, masked: str) -> None:
    assert masked_address(kind, address) == masked


@pytest.mark.parametrize("text", ["", "続" * 403])
def test_an_sms_has_a_text_that_somebody_reads(text: str) -> None:
    with pytest.raises(ValueError, match="an SMS has a text"):
        send_message(
            dedupe_key="1", kind=AddressKind.SMS, address=NUMBER, language="ja", text=text, purpose="p", now=clock.now()
        )


@pytest.mark.django_db(transaction=True)
def test_two_reports_at_once_keep_an_address_once(gateway: FakeGateway) -> None:
    messages = [sent("1"), sent("2")]
    start = threading.Barrier(2)

    def tell(message: Message) -> None:
        start.wait()
        report(message, Verdict.BOUNCED)
        connection.close()

    threads = [threading.Thread(target=tell, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states() == [("bounced", ""), ("bounced", "")]
    assert (BouncedAddress.objects.count(), Fact.objects.filter(kind="address-bounced").count()) == (1, 1)


class Session(FakeGateway):
    """Tells of deliveries when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[DeliveryReport] = []

    @property
    def capabilities(self) -> ports.Capabilities:
        return ports.Capabilities(reports_in_session=True)

    def collect_reports(self) -> Sequence[DeliveryReport]:
        if self.script.take() is Outcome.DONE_UNANSWERED:
            raise Unavailable("session-lost")
        told, self.told = self.told, []
        return told


def test_reports_are_fetched_while_any_is_awaited() -> None:
    reports._collected_at.clear()
    session = Session()
    with using_gateway(AddressKind.SMS, session):
        assert not has_reports_to_collect(clock.now())
        message = sent()
        assert has_reports_to_collect(clock.now())
        session.script.add(Outcome.DONE_UNANSWERED)
        assert collect_due_reports() == 0
        assert not has_reports_to_collect(clock.now())
        with clock.travel_to(clock.now() + timedelta(minutes=1)):
            assert has_reports_to_collect(clock.now())
            session.told = [DeliveryReport(reference=message.gateway_reference, verdict=Verdict.DELIVERED)]
            assert collect_due_reports() == 1
        with clock.travel_to(clock.now() + timedelta(minutes=2)):
            assert not has_reports_to_collect(clock.now())
    assert states() == [("delivered", "")]
