# SPDX-License-Identifier: Apache-2.0
"""Taking and returning money: intent committed, then the provider called with our key, then the outcome recorded."""

import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import claim, still_held, try_again_at
from tsuzuku.journal.models import Waiting
from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import WHOLE_SECONDS
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.payments import states
from tsuzuku.payments.errors import PaymentNotStarted, ProviderUnknown
from tsuzuku.payments.events import PaymentCaptured, PaymentFailed, RefundDone, RefundFailed
from tsuzuku.payments.ledger import CUSTOMERS, REVENUE, Entry, post, provider_account
from tsuzuku.payments.models import Capture, CaptureOutcome, Payment, ProviderNotice, Refund
from tsuzuku.payments.ports import EventKind, FailureReason, PaymentRequest, ProviderEvent, RefundRequest
from tsuzuku.payments.registry import provider as provider_named
from tsuzuku.payments.registry import providers

#: How long a worker holds what it has claimed; rows to which it does not come in time are due again then.
LEASE = timedelta(seconds=60)
_PORTION = 20
#: Nothing is sent this late in a lease: what an adapter's call takes at most.
_CALL_TAKES_MAX = timedelta(seconds=2 * WHOLE_SECONDS)
#: A payment without a word from its provider is asked about at these ages, then no more.
_ASK_AGAIN = (
    timedelta(seconds=20),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=24),
)

#: The same for a refund, which may take its provider weeks.
_ASK_AGAIN_FOR_REFUND = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    *(timedelta(days=days) for days in (1, 2, 4, 7, 14, 30, 60)),
)

SEND_REFUNDS = "send refunds"
ASK_ABOUT_PAYMENTS = "ask about payments"
ASK_ABOUT_REFUNDS = "ask about refunds"
log = logging.getLogger(__name__)
W = TypeVar("W", bound=Waiting)


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
    now: datetime,
) -> str:
    """Starts a payment with a provider, or finds the one that is open, and returns where to send the payer.

    Raises ProviderUnknown, or PaymentNotStarted: when the provider cannot be had, the payment stays to be started by
    the next try under the same key; when the provider refused it, the next try starts another.
    """
    if provider not in providers():
        raise ProviderUnknown
    payment = _open_payment(purpose=purpose, amount=amount, provider=provider, method=method, now=now)
    if payment.state == states.STARTED:
        return payment.redirect_url
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
    )
    try:
        started = provider_named(provider).start_payment(request)
    except Rejected as rejected:
        _fail_payment(payment, reason="refused", is_final=True, now=now)
        raise PaymentNotStarted(reason=rejected.code) from rejected
    except (Unavailable, OutcomeUnknown) as problem:
        raise PaymentNotStarted(reason=problem.code) from problem
    was_open = Payment.objects.filter(pk=payment.pk, state=states.CREATED).update(
        state=states.STARTED,
        reference=started.reference,
        redirect_url=started.redirect_url,
        next_attempt_at=now + _ASK_AGAIN[0],
    )
    if not was_open and not Payment.objects.filter(pk=payment.pk, state=states.STARTED).exists():
        raise PaymentNotStarted(reason="just-ended")
    return started.redirect_url


def _open_payment(*, purpose: str, amount: Money, provider: str, method: str, now: datetime) -> Payment:
    """The open payment of this purpose by this method; the database sees to it that there is only one."""
    payments = Payment.objects.filter(
        purpose=purpose, provider=provider, method=method, state__in=states.OPEN_PAYMENT_STATES
    )
    Payment.objects.bulk_create(
        [
            Payment(
                purpose=purpose,
                provider=provider,
                method=method,
                key=uuid.uuid4(),
                amount_minor=amount.amount_minor,
                currency=amount.currency,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    payment = payments.first()
    if payment is None:  # It was paid or declined between the two statements: whoever asks looks again.
        raise PaymentNotStarted(reason="just-ended")
    return payment


def _fail_payment(payment: Payment, *, reason: str, is_final: bool, now: datetime) -> None:
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
            notice.problem = _take_event(provider, event, now=now)
            if notice.problem:
                notice.save(update_fields=["problem"])


def _take_event(provider: str, event: ProviderEvent, *, now: datetime) -> str:
    """Applies one event, or returns why it has no effect; what it tells may be known already."""
    if event.kind is EventKind.UNKNOWN:
        return "kind-unknown"
    payment = _payment_of(provider, event)
    if payment is None:
        return "payment-unknown"
    if event.kind is EventKind.CAPTURED:
        return _take_capture(payment, event, now=now)
    if event.kind is EventKind.FAILED:
        is_final = event.failure is FailureReason.EXPIRED
        _fail_payment(payment, reason=event.failure or "refused", is_final=is_final, now=now)
        return ""
    return _take_refund_word(payment, event, now=now)


def _payment_of(provider: str, event: ProviderEvent) -> Payment | None:
    """The payment that an event names, locked: by the provider's reference, else by our key."""
    payments = Payment.objects.select_for_update().filter(provider=provider)
    if event.payment_reference:
        return payments.filter(reference=event.payment_reference).first()
    key = _our_key(event.payment_key)
    return payments.filter(key=key).first() if key else None


def _take_capture(payment: Payment, event: ProviderEvent, *, now: datetime) -> str:
    if event.capture_reference is None or event.amount is None:
        return "capture-malformed"
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
    if not is_new:
        return ""
    if states.PAYMENT_STATES.can_move(payment.state, states.CAPTURED):
        payment.state, payment.next_attempt_at = states.CAPTURED, None
        payment.save(update_fields=["state", "next_attempt_at"])
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


def _take_refund_word(payment: Payment, event: ProviderEvent, *, now: datetime) -> str:
    refunds = Refund.objects.select_for_update(of=("self",)).select_related("capture__payment")
    key = _our_key(event.refund_key)
    refund = refunds.filter(capture__payment=payment, key=key).first() if key else None
    if refund is None:  # Perhaps made by hand at the provider: reconciliation will tell.
        return "refund-unknown"
    if event.kind is EventKind.REFUNDED:
        _finish_refund(refund, now=now)
    else:
        _fail_refund(refund, problem="provider-refused", now=now)
    return ""


def _our_key(text: str | None) -> uuid.UUID | None:
    """A key of ours is a UUID; any other text is somebody else's."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def ask_about_payments() -> int:
    """Asks about payments whose provider has said nothing: a webhook may be late or lost. Returns how many."""
    return _work_off(Payment.objects.filter(state__in=states.ASKED_PAYMENT_STATES), _ask_about_payment)


def _ask_about_payment(payment: Payment) -> None:
    try:
        _ask(payment)
    except Rejected:
        _fail_payment(payment, reason="refused", is_final=True, now=clock.now())
        return
    _ask_again(payment, since=payment.created_at, pace=_ASK_AGAIN)


def ask_about_refunds() -> int:
    """Asks what became of refunds that were sent, for the same reason. Returns how many."""
    return _work_off(Refund.objects.filter(state=states.SENT), _ask_about_refund)


def _ask_about_refund(refund: Refund) -> None:
    with suppress(Rejected):
        _ask(refund.capture.payment)
    _ask_again(refund, since=refund.requested_at, pace=_ASK_AGAIN_FOR_REFUND)


def _ask(payment: Payment) -> None:
    """Takes what a provider knows of a payment now. Raises Rejected if it has no such payment."""
    try:
        events = provider_named(payment.provider).find_payment(payment.reference or "")
    except (Unavailable, OutcomeUnknown):
        return
    for event in events:
        with transaction.atomic():
            _take_event(payment.provider, event, now=clock.now())


def _ask_again(row: Payment | Refund, *, since: datetime, pace: Sequence[timedelta]) -> None:
    """Lets a row go until it is old enough to be asked about again; what has ended meanwhile waits for nothing."""
    age = clock.now() - since
    again = next((since + later for later in pace if later > age), None)
    still_held(row).filter(next_attempt_at__isnull=False).update(lease_until=None, next_attempt_at=again)


def _work_off(waiting: QuerySet[W], work: Callable[[W], None]) -> int:
    """Claims rows in portions and works them off one after another, outside any transaction. Returns how many.

    A row whose work fails in a way that nobody foresaw keeps back only itself: it is due again when its lease ends.
    """
    worked = 0
    while claimed := claim(waiting, now=clock.now(), lease=LEASE, limit=_PORTION):
        for row in claimed:
            if row.lease_until is None or clock.now() > row.lease_until - _CALL_TAKES_MAX:
                break
            try:
                work(row)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("%s %s could not be worked off", type(row).__name__, row.pk)
        worked += len(claimed)
    return worked


# -- deciding and returning --------------------------------------------------------------------------------------------


def decide_capture(capture: Capture, outcome: CaptureOutcome, *, reason: str, now: datetime) -> None:
    """Says what captured money turned out to be, in the caller's transaction and under its lock; surplus goes back."""
    capture.outcome = outcome
    capture.save(update_fields=["outcome"])
    if outcome == CaptureOutcome.SURPLUS:
        request_refund(capture, reason=reason, now=now)


def refund_purpose(*, purpose: str, reason: str, now: datetime) -> None:
    """Gives back all that was accepted for a purpose, in the caller's transaction; asking twice gives back once."""
    accepted = Capture.objects.filter(payment__purpose=purpose, outcome=CaptureOutcome.ACCEPTED)
    for capture in accepted.order_by("pk"):
        request_refund(capture, reason=reason, now=now)


def request_refund(capture: Capture, *, reason: str, now: datetime) -> None:
    """Writes down that a capture is to go back, in the caller's transaction; it is sent after the commit."""
    refund = Refund(capture=capture, key=uuid.uuid4(), reason=reason, requested_at=now, next_attempt_at=now)
    Refund.objects.bulk_create([refund], ignore_conflicts=True)
    wake(SEND_REFUNDS)


def earn(*, purposes: Sequence[tuple[str, Money]], now: datetime) -> None:
    """Books what was paid for purposes as earned, in the caller's transaction: the service has been given."""
    entries = [
        Entry(kind="earn", subject=purpose, purpose=purpose, debit=CUSTOMERS, credit=REVENUE, amount=amount)
        for purpose, amount in purposes
    ]
    post(entries, now=now)


def send_refunds() -> int:
    """Asks providers to give money back; the same key again is the same refund. Returns how many were sent."""
    return _work_off(Refund.objects.filter(state=states.REQUESTED), _send_refund)


def _send_refund(refund: Refund) -> None:
    capture = refund.capture
    request = RefundRequest(
        key=str(refund.key),
        payment_key=str(capture.payment.key),
        capture_reference=capture.reference,
        amount=capture.amount,
    )
    try:
        started = provider_named(capture.provider).refund(request)
    except Rejected as rejected:
        with transaction.atomic():
            locked = Refund.objects.select_for_update().get(pk=refund.pk)
            _fail_refund(locked, problem=rejected.code, now=clock.now())
    except (Unavailable, OutcomeUnknown) as problem:
        again = try_again_at(refund, now=clock.now())
        still_held(refund).update(problem=problem.code, lease_until=None, next_attempt_at=again)
    else:
        with transaction.atomic():
            locked = Refund.objects.select_for_update().get(pk=refund.pk)
            if locked.state == states.REQUESTED:
                locked.state, locked.reference = states.SENT, started.reference
                locked.attempts, locked.lease_until = 0, None
                locked.next_attempt_at = locked.requested_at + _ASK_AGAIN_FOR_REFUND[0]
                locked.save(update_fields=["state", "reference", "attempts", "lease_until", "next_attempt_at"])
            if started.is_done:
                _finish_refund(locked, now=clock.now())


def _finish_refund(refund: Refund, *, now: datetime) -> None:
    """Money is back: books it. Known already is fine."""
    if not states.REFUND_STATES.can_move(refund.state, states.DONE):
        return
    refund.state, refund.done_at, refund.next_attempt_at = states.DONE, now, None
    refund.save(update_fields=["state", "done_at", "next_attempt_at"])
    capture = refund.capture
    entry = Entry(
        kind="refund",
        subject=f"refund:{refund.pk}",
        purpose=capture.payment.purpose,
        debit=CUSTOMERS,
        credit=provider_account(capture.provider),
        amount=capture.amount,
    )
    post([entry], now=now)
    done = RefundDone(refund_id=refund.pk, purpose=capture.payment.purpose)
    record_facts([done], actor=f"provider:{capture.provider}", now=now)


def _fail_refund(refund: Refund, *, problem: str, now: datetime) -> None:
    """Money could not go back, or came back to us after it had gone; then that is booked too."""
    if not states.REFUND_STATES.can_move(refund.state, states.FAILED):
        return
    capture, purpose = refund.capture, refund.capture.payment.purpose
    if refund.state == states.DONE:
        entry = Entry(
            kind="refund-returned",
            subject=f"refund:{refund.pk}",
            purpose=purpose,
            debit=provider_account(capture.provider),
            credit=CUSTOMERS,
            amount=capture.amount,
        )
        post([entry], now=now)
    refund.state, refund.problem, refund.next_attempt_at = states.FAILED, problem, None
    refund.save(update_fields=["state", "problem", "next_attempt_at"])
    failed = RefundFailed(refund_id=refund.pk, purpose=purpose, problem=problem)
    record_facts([failed], actor=f"provider:{capture.provider}", now=now)
