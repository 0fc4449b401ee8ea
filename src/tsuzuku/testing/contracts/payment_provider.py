# SPDX-License-Identifier: Apache-2.0
"""What every payment provider's adapter must pass."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable
from tsuzuku.payments.ports import (
    EventKind,
    FailureReason,
    PaymentProvider,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    WebhookForged,
    WebhookStale,
)
from tsuzuku.testing.fakes import Outcome

#: What a payer's bank can say; that nobody paid in time is no word of a bank's.
DECLINES = (FailureReason.NETWORK, FailureReason.LIMIT, FailureReason.REFUSED)
#: What is told before money is.
LEADING_UP = frozenset({EventKind.INSTRUCTED, EventKind.APPROVED})
#: How old a webhook may be, with most providers.
BELIEVED_FOR = timedelta(minutes=5)
#: Headers and raw body.
Webhook = tuple[dict[str, str], bytes]


class ProviderOutside(Protocol):
    """The provider behind the adapter, its payers included: a simulator or a scripted server."""

    def next_call(self, outcome: Outcome) -> None:
        """What the next start of a payment or refund comes to: REFUSED, UNAVAILABLE, DONE_UNANSWERED or LOST."""

    def fail_next_lookup(self) -> None:
        """The next question for a payment is not answered."""

    def stop(self) -> None:
        """Nobody is there until `start`."""

    def start(self) -> None:
        """The provider is there again, with the books it had."""

    #: Whether one payment can be paid more than once.
    takes_twice: bool

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        """The payer pays a payment's amount, or another: once, or more often by mistake, as far as that can be."""

    def decline(self, reference: str, reason: FailureReason) -> None:
        """The payer's bank says no."""

    def next_refund_fails(self) -> None:
        """The next refund will be accepted, and fail later."""

    def end_refunds(self) -> None:
        """Refunds under way end now; returns when they have."""

    def webhooks(self, count: int = 1) -> list[Webhook]:
        """The next webhooks that were sent, in the order in which they came."""

    def deliver_again(self, event_id: str) -> None:
        """Sends a webhook once more."""

    def tell_something_else(self) -> None:
        """Sends a genuine webhook of a kind that the adapter does not know."""

    def change_secret(self) -> None:
        """Begins to sign with another secret; until it ends, both are valid."""


def a_payment(provider: PaymentProvider, *, amount_minor: int = 1180, method: str = "") -> PaymentRequest:
    """A payment that nobody has started before, by the provider's first method unless another is named."""
    now = clock.now()
    number = f"T-{secrets.randbelow(10**9):09d}"
    return PaymentRequest(
        key=secrets.token_hex(16),
        method=method or next(iter(provider.capabilities.methods), "card"),
        amount=Money(amount_minor, "JPY"),
        description="1 GB, 3 days",
        order_number=number,
        return_url=f"https://shop.example/o/{number}?step=2",
        cancel_url=f"https://shop.example/o/{number}",
        language="zh-hans",
        created_at=now,
        expires_at=now + timedelta(hours=2),
        payer_email="traveller@example.com",
    )


def read(provider: PaymentProvider, webhooks: Sequence[Webhook]) -> list[ProviderEvent]:
    """The events of webhooks that are genuine now."""
    now = clock.now()
    return [event for headers, body in webhooks for event in provider.read_webhook(headers=headers, body=body, now=now)]


def hear(provider: PaymentProvider, outside: ProviderOutside) -> ProviderEvent:
    """What is told next, past what only leads up to it: how to pay, and that the payer agreed."""
    while True:
        (event,) = read(provider, outside.webhooks())
        if event.kind not in LEADING_UP:
            return event


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment that was paid: what was asked for, the provider's reference, and what was told."""

    request: PaymentRequest
    reference: str
    capture: ProviderEvent


def take(provider: PaymentProvider, outside: ProviderOutside, *, amount_minor: int = 1000, method: str = "") -> Taken:
    """Starts a payment, has it paid and reads what is told."""
    request = a_payment(provider, amount_minor=amount_minor, method=method)
    reference = provider.start_payment(request).reference
    outside.pay(reference)
    return Taken(request, reference, hear(provider, outside))


def a_refund(taken: Taken, amount_minor: int) -> RefundRequest:
    """A refund of a payment that nobody has asked for before."""
    assert taken.capture.capture_reference is not None
    return RefundRequest(
        key=secrets.token_hex(16),
        payment_key=taken.request.key,
        capture_reference=taken.capture.capture_reference,
        amount=Money(amount_minor, "JPY"),
    )


def names(event: ProviderEvent, request: PaymentRequest, reference: str) -> bool:
    """Whether an event names a payment, by the provider's reference or by our key."""
    if event.payment_reference:
        return event.payment_reference == reference
    return event.payment_key == request.key


def untold(provider: PaymentProvider, reference: str) -> bool:
    """Whether nothing is known of a payment but how it may be paid."""
    return all(event.kind is EventKind.INSTRUCTED for event in provider.find_payment(reference))


class PaymentProviderContract:
    """Subclass it as `Test...` and give two fixtures: `provider`, the adapter, and `outside`, a ProviderOutside."""

    #: Those of which the provider tells. Of others only the payer reads, in the provider's app, and may try again.
    told_declines: ClassVar[tuple[FailureReason, ...]] = DECLINES
    #: Whether those are told by webhook; if not, whoever asks hears of them.
    tells_declines = True
    #: The same of a refund that fails after it was accepted.
    tells_failed_refunds = True
    #: How old a webhook may be: longer for a provider that sends one again as it was, with the moment of the first.
    believed_for = BELIEVED_FOR
    #: Whether a webhook's signature stands in its headers; if not, it is a part of the body.
    signs_in_headers: ClassVar[bool] = True
    #: Whether a payment's refunds are found by asking, and told with their amounts. Those of a provider that does
    #: neither end within the call that asks for them: done or refused.
    lists_refunds: ClassVar[bool] = True

    # -- starting ----------------------------------------------------------------------------------------------------

    def test_every_method_leads_to_an_origin_it_names_or_says_how_to_pay(self, provider: PaymentProvider) -> None:
        for method in provider.capabilities.methods:
            request = a_payment(provider, method=method)
            started = provider.start_payment(request)
            assert started.raw
            found = provider.find_payment(started.reference)
            if started.instructions is None:
                url = urlsplit(started.redirect_url)
                assert f"{url.scheme}://{url.netloc}" in provider.capabilities.redirect_origins
                assert found == ()
                continue
            assert started.redirect_url == ""
            assert started.instructions.expires_at > request.created_at
            assert bool(started.instructions.qr_text) != bool(started.instructions.slips)
            # What is said when asked may come before it is told, or be all that ever is.
            assert {(event.kind, event.instructions) for event in found} <= {
                (EventKind.INSTRUCTED, started.instructions)
            }

    def test_every_method_takes_what_was_asked_for(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        for method in provider.capabilities.methods:
            taken = take(provider, outside, method=method)
            assert (taken.capture.kind, taken.capture.amount) == (EventKind.CAPTURED, taken.request.amount)
            assert names(taken.capture, taken.request, taken.reference)
            found = [event for event in provider.find_payment(taken.reference) if event.kind not in LEADING_UP]
            assert [essence(event) for event in found] == [essence(taken.capture)]

    def test_the_same_key_is_the_same_payment(self, provider: PaymentProvider) -> None:
        request = a_payment(provider)
        first, again = provider.start_payment(request), provider.start_payment(request)
        assert replace(again, raw="") == replace(first, raw="")
        assert provider.start_payment(a_payment(provider)).reference != first.reference

    def test_a_key_used_for_something_else_is_refused(self, provider: PaymentProvider) -> None:
        request = a_payment(provider)
        provider.start_payment(request)
        with pytest.raises(Rejected):
            provider.start_payment(replace(request, amount=Money(1, "JPY")))

    @pytest.mark.parametrize(("outcome", "error"), [(Outcome.REFUSED, Rejected), (Outcome.UNAVAILABLE, Unavailable)])
    def test_tells_a_refusal_from_a_failure(
        self, provider: PaymentProvider, outside: ProviderOutside, outcome: Outcome, error: type[PortError]
    ) -> None:
        outside.next_call(outcome)
        with pytest.raises(error) as raised:
            provider.start_payment(a_payment(provider))
        assert raised.value.code

    @pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.DONE_UNANSWERED])
    def test_after_an_unknown_outcome_the_key_leads_to_one_payment(
        self, provider: PaymentProvider, outside: ProviderOutside, outcome: Outcome
    ) -> None:
        request = a_payment(provider)
        outside.next_call(outcome)
        with pytest.raises(OutcomeUnknown):
            provider.start_payment(request)
        first, again = provider.start_payment(request), provider.start_payment(request)
        assert again.reference == first.reference

    # -- being told --------------------------------------------------------------------------------------------------

    def test_tells_of_a_capture_and_says_the_same_when_asked(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.pay(reference)
        (told,) = read(provider, outside.webhooks())
        assert told.kind is EventKind.CAPTURED
        assert names(told, request, reference)
        assert (told.amount, told.failure, told.refund_key) == (request.amount, None, None)
        assert told.capture_reference
        assert told.raw
        assert abs(told.occurred_at - clock.now()) < timedelta(minutes=5)
        assert [essence(event) for event in provider.find_payment(reference)] == [essence(told)]

    @pytest.mark.parametrize("reason", DECLINES)
    def test_says_why_a_payment_failed(
        self, provider: PaymentProvider, outside: ProviderOutside, reason: FailureReason
    ) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.decline(reference, reason)
        if reason not in self.told_declines:
            assert untold(provider, reference)
            outside.pay(reference)
            assert [event.kind for event in read(provider, outside.webhooks())] == [EventKind.CAPTURED]
            return
        (told,) = read(provider, outside.webhooks()) if self.tells_declines else provider.find_payment(reference)
        assert (told.kind, told.failure) == (EventKind.FAILED, reason)
        assert names(told, request, reference)
        assert told.capture_reference is None
        assert [essence(event) for event in provider.find_payment(reference)] == [essence(told)]

    def test_each_capture_of_a_payment_is_one(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.pay(reference, times=2)
        captures = 2 if outside.takes_twice else 1
        told = read(provider, outside.webhooks(captures))
        assert [(event.kind, event.amount) for event in told] == [(EventKind.CAPTURED, request.amount)] * captures
        assert len({event.capture_reference for event in told}) == captures
        assert len({event.event_id for event in told}) == captures
        asked = provider.find_payment(reference)
        assert {event.capture_reference for event in asked} == {event.capture_reference for event in told}
        assert len(asked) == captures

    def test_passes_on_another_amount_and_currency_as_they_are(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        for amount in (Money(1, "JPY"), Money(1180, "USD")):
            reference = provider.start_payment(a_payment(provider)).reference
            outside.pay(reference, amount=amount)
            (told,) = read(provider, outside.webhooks())
            assert told.amount == amount
            assert [event.amount for event in provider.find_payment(reference)] == [amount]

    def test_a_webhook_sent_again_carries_the_same_event(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        (first,) = read(provider, outside.webhooks())
        outside.deliver_again(first.event_id)
        (again,) = read(provider, outside.webhooks())
        assert again.event_id == first.event_id
        assert essence(again) == essence(first)

    def test_keeps_a_kind_of_event_that_it_does_not_know(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        outside.tell_something_else()
        (told,) = read(provider, outside.webhooks())
        assert told.kind is EventKind.UNKNOWN
        assert told.event_id
        assert told.raw

    def test_does_not_know_what_is_not_its_own(self, provider: PaymentProvider) -> None:
        with pytest.raises(Rejected):
            provider.find_payment("nobodys-payment")

    def test_what_cannot_be_asked_is_not_nothing(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.fail_next_lookup()
        with pytest.raises(Unavailable):
            provider.find_payment(reference)

    # -- believing ---------------------------------------------------------------------------------------------------

    def test_believes_only_the_signed_body(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        for _ in range(2):
            outside.pay(provider.start_payment(a_payment(provider)).reference)
        (headers, body), (other_headers, other_body) = outside.webhooks(2)
        forged: list[Webhook] = [(headers, body + b" "), (headers, body.swapcase()), (headers, b"")]
        if self.signs_in_headers:
            forged += [
                (headers, other_body),
                (other_headers, body),
                ({}, body),
                (dict.fromkeys(headers, ""), body),
                (dict.fromkeys(headers, "t=0,v1=,v1=x,v1=ÿ"), body),
            ]
        for each_headers, each_body in forged:
            with pytest.raises(WebhookForged):
                provider.read_webhook(headers=each_headers, body=each_body, now=clock.now())

    def test_reads_headers_in_any_case(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        for change in (str.lower, str.upper, str.title):
            changed = {change(name): value for name, value in headers.items()}
            assert len(provider.read_webhook(headers=changed, body=body, now=clock.now())) == 1

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_does_not_believe_an_old_webhook(
        self, provider: PaymentProvider, outside: ProviderOutside, hours: int
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        moment = clock.now() + timedelta(hours=hours) + (self.believed_for if hours > 0 else timedelta())
        with pytest.raises(WebhookStale):
            provider.read_webhook(headers=headers, body=body, now=moment)

    def test_believes_both_secrets_while_one_is_changed(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        old = outside.webhooks()
        outside.change_secret()
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        told = read(provider, [*old, *outside.webhooks()])
        assert [event.kind for event in told] == [EventKind.CAPTURED] * 2

    def test_does_not_believe_a_secret_that_has_been_replaced(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        for _ in range(2):
            outside.change_secret()
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers=headers, body=body, now=clock.now())

    # -- giving back -------------------------------------------------------------------------------------------------

    def test_gives_back_in_parts_but_never_more_than_was_taken(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        taken = take(provider, outside)
        first, second = a_refund(taken, 600), a_refund(taken, 400)
        for request, over in ((first, 401), (second, 1)):
            assert provider.refund(request).reference
            with pytest.raises(Rejected):
                provider.refund(a_refund(taken, over))
        outside.end_refunds()
        told = read(provider, outside.webhooks(2))
        assert Counter((event.kind, event.refund_key, event.amount) for event in told) == Counter(
            (EventKind.REFUNDED, request.key, request.amount if self.lists_refunds else None)
            for request in (first, second)
        )
        assert all(names(event, taken.request, taken.reference) for event in told)
        assert {event.capture_reference for event in told} == {taken.capture.capture_reference}
        asked = provider.find_payment(taken.reference)
        known = [taken.capture, *told] if self.lists_refunds else [taken.capture]
        assert Counter(essence(event) for event in asked) == Counter(essence(event) for event in known)

    def test_the_same_key_is_the_same_refund(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        taken = take(provider, outside)
        request = a_refund(taken, 700)
        first, again = provider.refund(request), provider.refund(request)
        assert again.reference == first.reference
        with pytest.raises(Rejected):
            provider.refund(replace(request, amount=Money(100, "JPY")))
        outside.end_refunds()
        assert [event.refund_key for event in read(provider, outside.webhooks())] == [request.key]

    def test_a_refund_in_another_currency_is_refused(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        taken = take(provider, outside)
        with pytest.raises(Rejected):
            provider.refund(replace(a_refund(taken, 1000), amount=Money(1000, "USD")))

    def test_a_refund_of_nothing_known_is_refused(self, provider: PaymentProvider) -> None:
        request = RefundRequest(
            key=secrets.token_hex(16), payment_key="nobodys", capture_reference="nobodys", amount=Money(1, "JPY")
        )
        with pytest.raises(Rejected):
            provider.refund(request)

    def test_a_refund_that_fails_can_be_made_again(self, provider: PaymentProvider, outside: ProviderOutside) -> None:
        taken = take(provider, outside)
        failing, good = a_refund(taken, 1000), a_refund(taken, 1000)
        outside.next_refund_fails()
        if self.lists_refunds:
            assert not provider.refund(failing).is_done
            outside.end_refunds()
            if self.tells_failed_refunds:
                (told,) = read(provider, outside.webhooks())
            else:
                (told,) = [event for event in provider.find_payment(taken.reference) if event.refund_key == failing.key]
            assert (told.kind, told.refund_key, told.amount) == (EventKind.REFUND_FAILED, failing.key, failing.amount)
        else:
            with pytest.raises(Rejected):
                provider.refund(failing)
        provider.refund(good)
        outside.end_refunds()
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.refund_key) == (EventKind.REFUNDED, good.key)

    @pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.DONE_UNANSWERED])
    def test_after_an_unknown_outcome_the_key_leads_to_one_refund(
        self, provider: PaymentProvider, outside: ProviderOutside, outcome: Outcome
    ) -> None:
        taken = take(provider, outside)
        request = a_refund(taken, 1000)
        outside.next_call(outcome)
        with pytest.raises(OutcomeUnknown):
            provider.refund(request)
        provider.refund(request)
        outside.end_refunds()
        assert [event.refund_key for event in read(provider, outside.webhooks())] == [request.key]

    # -- being away --------------------------------------------------------------------------------------------------

    def test_nobody_there_is_unavailable_and_the_books_outlive_it(
        self, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.pay(reference)
        told = read(provider, outside.webhooks())
        outside.stop()
        with pytest.raises(Unavailable):
            provider.start_payment(request)
        with pytest.raises(Unavailable):
            provider.find_payment(reference)
        outside.start()
        assert provider.start_payment(request).reference == reference
        assert [essence(event) for event in provider.find_payment(reference)] == [essence(event) for event in told]


def essence(event: ProviderEvent) -> tuple[object, ...]:
    """What must be equal between a webhook and what is found by asking; ids and bodies may differ."""
    return (
        event.kind,
        event.payment_reference,
        event.payment_key,
        event.capture_reference,
        event.refund_key,
        event.amount,
        event.failure,
        event.instructions,
        event.dispute_reference,
        event.dispute_reason,
    )
