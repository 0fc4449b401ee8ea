# SPDX-License-Identifier: Apache-2.0
"""Returning money: the intent committed, then the provider called with our key, then the outcome recorded."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import still_held, try_again_at, work_off
from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import WHOLE_SECONDS
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.payments import states
from tsuzuku.payments.bank_returns import book_given_by_bank, book_refund_given_by_bank
from tsuzuku.payments.events import RefundDone, RefundFailed
from tsuzuku.payments.ledger import CUSTOMERS, GOODWILL, Entry, post, provider_account
from tsuzuku.payments.models import Capture, CaptureOutcome, Posting, Refund
from tsuzuku.payments.ports import EventKind, ProviderEvent, RefundRequest
from tsuzuku.payments.registry import provider as provider_named
from tsuzuku.payments.remains import failed_minor, is_disputed, refundable_minor

SEND_REFUNDS = "send refunds"
#: How long a worker holds what it has claimed; rows to which it does not come in time are due again then.
LEASE = timedelta(seconds=60)
#: Nothing is sent this late in a lease: what an adapter's call takes at most.
CALL_TAKES_MAX = timedelta(seconds=2 * WHOLE_SECONDS)
#: A refund that was sent is asked about first after this.
ASK_FIRST_AFTER = timedelta(minutes=1)


def refund_purpose(*, purpose: str, reason: str, now: datetime) -> None:
    """Gives back all that was accepted for a purpose, in the caller's transaction; asking twice gives back once."""
    accepted = Capture.objects.filter(payment__purpose=purpose, outcome=CaptureOutcome.ACCEPTED)
    for capture in accepted.order_by("pk"):
        request_refund(capture, reason=reason, now=now)
    _take_back_what_was_let_off(purpose, now=now)


def _take_back_what_was_let_off(purpose: str, *, now: datetime) -> None:
    """Nobody is let off a part of the price of what is not given."""
    for let_off in Posting.objects.filter(kind="let-off", subject=purpose):
        entry = Entry(
            kind="let-off-return",
            subject=purpose,
            purpose=purpose,
            debit=CUSTOMERS,
            credit=GOODWILL,
            amount=Money(let_off.amount_minor, let_off.currency),
        )
        post([entry], now=now)


def request_refund(capture: Capture, *, reason: str, now: datetime, actor: str = "system") -> None:
    """Writes down that what is left of a capture is to go back, in the caller's transaction; sent after the commit.

    What its payer's bank has kept by a lost dispute is owed no more. A part whose refund failed waits for a person, who
    asks once more or gives it another way.
    """
    book_given_by_bank(capture, now=now)
    left = refundable_minor(capture) - failed_minor(capture)
    if left > 0 and not _was_requested(capture, actor):
        write_refund(capture, amount_minor=left, reason=reason, actor=actor, now=now)


def write_refund(
    capture: Capture,
    *,
    amount_minor: int,
    reason: str,
    actor: str,
    now: datetime,
    is_goodwill: bool = False,
    replaces: Refund | None = None,
) -> Refund:
    """Writes down that a part of a capture is to go back, whose lock the caller holds and which has so much left."""
    refund = Refund.objects.create(
        capture=capture,
        key=uuid.uuid4(),
        amount_minor=amount_minor,
        reason=reason,
        actor=actor,
        is_goodwill=is_goodwill,
        replaces=replaces,
        requested_at=now,
        next_attempt_at=now,
    )
    wake(SEND_REFUNDS)
    return refund


def replace_refund(refund: Refund, *, actor: str, now: datetime) -> Refund:
    """Asks for the same once more in the place of a refund by which nothing went back; the caller holds the locks."""
    states.REFUND_STATES.check_move(refund.state, states.REPLACED)
    refund.state = states.REPLACED
    refund.save(update_fields=["state"])
    return write_refund(
        refund.capture,
        amount_minor=refund.amount_minor,
        reason=refund.reason,
        actor=actor,
        now=now,
        is_goodwill=refund.is_goodwill,
        replaces=refund,
    )


def _was_requested(capture: Capture, actor: str) -> bool:
    """Whether the system has asked already; what is left then is a part that somebody gave back and that failed."""
    refunds = capture.refunds.exclude(state__in=states.NOTHING_RETURNED_STATES)
    return actor == "system" and refunds.filter(actor=actor).exists()


def send_refunds() -> int:
    """Asks providers to give money back; the same key again is the same refund. Returns how many were sent."""
    return work_off(Refund.objects.filter(state=states.REQUESTED), _send_refund, lease=LEASE, takes_max=CALL_TAKES_MAX)


def _send_refund(refund: Refund) -> None:
    if not _may_be_sent(refund, now=clock.now()):
        return
    capture = refund.capture
    request = RefundRequest(
        key=str(refund.key),
        payment_key=str(capture.payment.key),
        capture_reference=capture.reference,
        amount=refund.amount,
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
                locked.next_attempt_at = locked.requested_at + ASK_FIRST_AFTER
                locked.save(update_fields=["state", "reference", "attempts", "lease_until", "next_attempt_at"])
            if started.is_done:
                _finish_refund(locked, now=clock.now())


def _may_be_sent(refund: Refund, *, now: datetime) -> bool:
    """Money that a bank holds or has kept is not given back a second time (docs/decisions/0019)."""
    with transaction.atomic():
        capture = refund.capture
        left = refundable_minor(capture)
        if is_disputed(capture):
            # The end of the dispute takes it up again.
            still_held(refund).update(lease_until=None, next_attempt_at=None)
            return False
        if left >= 0:
            return True
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        if left + locked.amount_minor <= 0:
            void_refund(locked, now=now)
        else:
            _fail_refund(locked, problem="dispute-lost", now=now)
        return False


def void_refund(refund: Refund, *, now: datetime) -> None:
    """A lost dispute has given back what this refund was to give, so that it is owed no more."""
    states.REFUND_STATES.check_move(refund.state, states.VOID)
    refund.state, refund.lease_until, refund.next_attempt_at = states.VOID, None, None
    refund.save(update_fields=["state", "lease_until", "next_attempt_at"])
    book_refund_given_by_bank(refund, now=now)


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
        amount=refund.amount,
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
            amount=refund.amount,
        )
        post([entry], now=now)
    refund.state, refund.problem, refund.next_attempt_at = states.FAILED, problem, None
    refund.save(update_fields=["state", "problem", "next_attempt_at"])
    failed = RefundFailed(refund_id=refund.pk, purpose=purpose, problem=problem)
    record_facts([failed], actor=f"provider:{capture.provider}", now=now)


def take_refund_word(payment_id: int, event: ProviderEvent, *, now: datetime) -> str:
    """Applies what a provider tells of a refund to it, in the caller's transaction, or returns why it cannot."""
    refunds = Refund.objects.select_for_update(of=("self",)).select_related("capture__payment")
    key = our_key(event.refund_key)
    refund = refunds.filter(capture__payment=payment_id, key=key).first() if key else None
    if refund is None:  # Perhaps made by hand at the provider: reconciliation will tell.
        return "refund-unknown"
    if event.kind is EventKind.REFUNDED:
        if event.amount is not None and event.amount != refund.amount:
            return "refund-amount-differs"  # Perhaps a person's, made under our key: reconciliation will tell.
        _finish_refund(refund, now=now)
    else:
        _fail_refund(refund, problem="provider-refused", now=now)
    return ""


def our_key(text: str | None) -> uuid.UUID | None:
    """A key of ours is a UUID; any other text is somebody else's."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
