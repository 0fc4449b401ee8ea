# SPDX-License-Identifier: Apache-2.0
"""Taking money: intent committed, then the provider called with our key, then the outcome recorded."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments import states
from tsuzuku.payments.disputing import DISPUTE_KINDS, take_dispute_word
from tsuzuku.payments.errors import PaymentNotStarted, PaymentRefused, ProviderUnknown
from tsuzuku.payments.events import PaymentCaptured, PaymentFailed, PaymentInstructed
from tsuzuku.payments.kept import keep_method
from tsuzuku.payments.ledger import CUSTOMERS, GOODWILL, REVENUE, Entry, post, provider_account
from tsuzuku.payments.models import Capture, CaptureOutcome, KeptMethodRow, Payment, ProviderNotice
from tsuzuku.payments.outages import hide_provider, show_provider
from tsuzuku.payments.ports import (
    EventKind,
    FailureReason,
    Instructions,
    PaymentRequest,
    ProviderEvent,
    StartedPayment,
)
from tsuzuku.payments.refunding import our_key, request_refund, take_refund_word
from tsuzuku.payments.registry import provider as provider_named
from tsuzuku.payments.registry import providers
from tsuzuku.people.models import User

#: A payment without a word from its provider is asked about first after this.
ASK_FIRST_AFTER = timedelta(seconds=20)
ASK_ABOUT_PAYMENTS = "ask about payments"


# -- taking ----------------------------------------------------------------------------------------------------------


def start_payment(
    *,
    purpose: str,
    amount: Money,
    provider: str,
    method: str,
    description: str,
    order_number: str,
    return_url: str,
    cancel_url: str,
    language: str,
    expires_at: datetime,
    payer_email: str = "",
    keep_for: User | None = None,
    kept: KeptMethodRow | None = None,
    now: datetime,
) -> Payment:
    """Starts a payment with a provider, or finds the one that is open and whose code or slip has not run out.

    Its payer goes to its `redirect_url` or is shown its instructions; when nobody can pay by those any more, another is
    started. A `kept` method is charged at once, and an event tells what became of it. The method is kept `keep_for`
    whoever asks for it, if its provider can.

    Raises ProviderUnknown, or PaymentNotStarted: when the provider cannot be had, it is not offered for a while, and
    the payment stays to be started by the next try under the same key; when the provider refused it, which is
    PaymentRefused, the next try starts another.
    """
    if provider not in providers():
        raise ProviderUnknown
    can_keep = method in provider_named(provider).capabilities.keeps
    wanted = {
        "purpose": purpose,
        "provider": provider,
        "method": method,
        "amount_minor": amount.amount_minor,
        "keep_for": keep_for if can_keep else None,
        "kept": kept,
    }
    payment = _open_payment(wanted, currency=amount.currency, now=now)
    if payment.has_run_out(now):
        # Its provider may take a while to say so, or never. Money that comes for it all the same is taken.
        fail_payment(payment, reason=FailureReason.EXPIRED, is_final=False, now=now)
        payment = _open_payment(wanted, currency=amount.currency, now=now)
    if payment.state == states.STARTED:
        return payment
    request = PaymentRequest(
        key=str(payment.key),
        method=method,
        amount=amount,
        description=description,
        order_number=order_number,
        return_url=return_url,
        cancel_url=cancel_url,
        language=language,
        created_at=payment.created_at,
        expires_at=expires_at,
        payer_email=payer_email,
        keep=payment.keep_for_id is not None,
        kept_reference=kept.reference if kept else "",
    )
    try:
        started = provider_named(provider).start_payment(request)
    except Rejected as rejected:
        show_provider(provider)
        fail_payment(payment, reason="refused", is_final=True, now=now)
        raise PaymentRefused(reason=rejected.code) from rejected
    except (Unavailable, OutcomeUnknown) as problem:
        hide_provider(provider, now=now)
        raise PaymentNotStarted(reason=problem.code) from problem
    except Unsupported as problem:
        raise PaymentNotStarted(reason=problem.code) from problem
    show_provider(provider)
    payment = note_started(payment, started, now=now)
    if payment.state != states.STARTED:
        raise PaymentNotStarted(reason="just-ended")
    return payment


def note_started(payment: Payment, started: StartedPayment, *, now: datetime) -> Payment:
    """Writes down under which reference a provider has started a payment; known already is fine.

    One that has failed meanwhile, or was given up, is asked about all the same: its provider may have taken the money.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=payment.pk)
        if payment.reference is None:
            if payment.state == states.CREATED:
                payment.state = states.STARTED
            payment.reference = started.reference
            payment.redirect_url, payment.next_attempt_at = started.redirect_url, now + ASK_FIRST_AFTER
            payment.save(update_fields=["state", "reference", "redirect_url", "next_attempt_at"])
            if started.instructions is not None:
                _instruct(payment, started.instructions, now=now)
        return payment


def _instruct(payment: Payment, instructions: Instructions, *, now: datetime) -> None:
    """Keeps how to pay elsewhere, of a payment whose row is locked; known already is fine."""
    told = instructions.to_json()
    if payment.instructions == told or payment.state == states.CAPTURED:
        return
    payment.instructions = told
    payment.save(update_fields=["instructions"])
    until = instructions.expires_at.isoformat()
    instructed = PaymentInstructed(payment_id=payment.pk, purpose=payment.purpose, until=until)
    record_facts([instructed], actor=f"provider:{payment.provider}", now=now)


def _open_payment(wanted: dict[str, Any], *, currency: str, now: datetime) -> Payment:
    """The open payment with these fields; the database sees to it that there is only one."""
    # Without an answer nobody but its payer can pay a payment; a kept method may have been charged all the same.
    ask_at = now + ASK_FIRST_AFTER if wanted["kept"] else None
    Payment.objects.bulk_create(
        [Payment(**wanted, key=uuid.uuid4(), currency=currency, created_at=now, next_attempt_at=ask_at)],
        ignore_conflicts=True,
    )
    # A field that is None has to be so: `filter(kept=None)` asks for exactly that.
    payment = Payment.objects.filter(**wanted, state__in=states.OPEN_PAYMENT_STATES).first()
    if payment is None:  # It was paid or declined between the two statements: whoever asks looks again.
        raise PaymentNotStarted(reason="just-ended")
    return payment


def fail_payment(payment: Payment, *, reason: str, is_final: bool, now: datetime) -> None:
    """What was declined can mostly be tried again on the provider's page: it is asked about on unless it `is_final`."""
    with transaction.atomic():
        failed = Payment.objects.filter(pk=payment.pk, state__in=states.OPEN_PAYMENT_STATES)
        has_failed_now = failed.update(state=states.FAILED, failure=reason)
        if is_final:
            Payment.objects.filter(pk=payment.pk, state=states.FAILED).update(next_attempt_at=None)
        if has_failed_now:
            record_facts(
                [PaymentFailed(payment_id=payment.pk, purpose=payment.purpose, reason=reason)],
                actor=f"provider:{payment.provider}",
                now=now,
            )


# -- what providers tell -----------------------------------------------------------------------------------------------


def take_events(*, provider: str, events: Sequence[ProviderEvent], now: datetime) -> None:
    """Takes what a provider delivered, already verified by its adapter. An event delivered again has no effect.

    Committed when it returns. Events may come in any order; an event of a payment that is not ours is kept and has no
    effect.
    """
    for event in events:
        with transaction.atomic():
            notice, is_new = ProviderNotice.objects.get_or_create(
                provider=provider,
                event_id=event.event_id,
                defaults={"kind": event.kind, "raw": event.raw, "taken_at": now},
            )
            if not is_new:
                continue
            notice.payment = _payment_of(provider, event)
            notice.problem = _take(notice.payment, event, now=now)
            notice.save(update_fields=["payment", "problem"])


def take_event(provider: str, event: ProviderEvent, *, now: datetime) -> str:
    """Applies one event, or returns why it has no effect; what it tells may be known already."""
    return _take(_payment_of(provider, event), event, now=now)


def _take(payment: Payment | None, event: ProviderEvent, *, now: datetime) -> str:
    """Applies an event to its payment, which is locked."""
    if event.kind is EventKind.UNKNOWN:
        return "kind-unknown"
    if payment is None:
        return "payment-unknown"
    if event.kind in DISPUTE_KINDS:
        return _take_dispute(payment, event, now=now)
    if event.kind is EventKind.CAPTURED:
        return _take_capture(payment, event, now=now)
    if event.kind is EventKind.FAILED:
        is_final = event.failure is FailureReason.EXPIRED
        fail_payment(payment, reason=event.failure or "refused", is_final=is_final, now=now)
        return ""
    if event.kind is EventKind.INSTRUCTED:
        if event.instructions is None:
            return "instructions-missing"
        _instruct(payment, event.instructions, now=now)
        return ""
    if event.kind is EventKind.APPROVED:
        if payment.state in states.ASKED_PAYMENT_STATES:
            Payment.objects.filter(pk=payment.pk).update(next_attempt_at=now)
            wake(ASK_ABOUT_PAYMENTS)
        return ""
    return take_refund_word(payment.pk, event, now=now)


def _payment_of(provider: str, event: ProviderEvent) -> Payment | None:
    """The payment that an event names, locked: by the provider's reference, else by our key, else by what was captured.

    A bank's dispute may name nothing but what it takes back.
    """
    payments = Payment.objects.select_for_update(of=("self",)).filter(provider=provider)
    found = None
    if event.payment_reference:
        found = payments.filter(reference=event.payment_reference).first()
    elif key := our_key(event.payment_key):
        found = payments.filter(key=key).first()
    if found is None and event.kind in DISPUTE_KINDS and event.capture_reference:
        found = payments.filter(captures__reference=event.capture_reference).first()
    return found


def _take_dispute(payment: Payment, event: ProviderEvent, *, now: datetime) -> str:
    capture = payment.captures.filter(reference=event.capture_reference).first()
    if capture is None:
        # Its capture has yet to be told: asking tells both, in their order.
        if payment.state in states.ASKED_PAYMENT_STATES:
            Payment.objects.filter(pk=payment.pk).update(next_attempt_at=now)
            wake(ASK_ABOUT_PAYMENTS)
        return "capture-unknown"
    return take_dispute_word(capture, event, now=now)


def _take_capture(payment: Payment, event: ProviderEvent, *, now: datetime) -> str:
    if event.capture_reference is None or event.amount is None:
        return "capture-malformed"
    if event.kept is not None and payment.keep_for is not None:
        keep_method(payment, payment.keep_for, event.kept, now=now)
    capture, is_new = Capture.objects.get_or_create(
        provider=payment.provider,
        reference=event.capture_reference,
        defaults={
            "payment": payment,
            "amount_minor": event.amount.amount_minor,
            "currency": event.amount.currency,
            "captured_at": event.occurred_at,
        },
    )
    # A charge that needs no payer can be told before its start was answered; then asking tells it again.
    if states.PAYMENT_STATES.can_move(payment.state, states.CAPTURED):
        payment.state, payment.next_attempt_at = states.CAPTURED, None
        payment.save(update_fields=["state", "next_attempt_at"])
    if not is_new:
        return ""
    entry = Entry(
        kind="capture",
        subject=f"capture:{capture.pk}",
        purpose=payment.purpose,
        debit=provider_account(payment.provider),
        credit=CUSTOMERS,
        amount=capture.amount,
    )
    post([entry], now=now)
    captured = PaymentCaptured(capture_id=capture.pk, purpose=payment.purpose)
    record_facts([captured], actor=f"provider:{payment.provider}", now=now)
    return ""


# -- deciding --------------------------------------------------------------------------------------------------------


def decide_capture(
    capture: Capture, outcome: CaptureOutcome, *, reason: str, now: datetime, actor: str = "system"
) -> None:
    """Says what captured money turned out to be, in the caller's transaction and under its lock; surplus goes back."""
    capture.outcome = outcome
    capture.save(update_fields=["outcome"])
    if outcome == CaptureOutcome.SURPLUS:
        request_refund(capture, reason=reason, actor=actor, now=now)


def earn(*, purposes: Sequence[tuple[str, Money]], now: datetime) -> None:
    """Books what was paid for purposes as earned, in the caller's transaction: the service has been given."""
    entries = [
        Entry(kind="earn", subject=purpose, purpose=purpose, debit=CUSTOMERS, credit=REVENUE, amount=amount)
        for purpose, amount in purposes
    ]
    post(entries, now=now)


def let_off(*, purpose: str, amount: Money, now: datetime) -> None:
    """Books what a payer need not pay of a price, in the caller's transaction, once for each purpose."""
    entry = Entry(kind="let-off", subject=purpose, purpose=purpose, debit=GOODWILL, credit=CUSTOMERS, amount=amount)
    post([entry], now=now)
