# SPDX-License-Identifier: Apache-2.0
"""Activation with carriers that do not confirm at once: claim, send or ask, record. Never a blind repetition.

That a request may be out there (`history_final_at`) is committed before it is sent. As long as its outcome is not
known the carrier's history is asked, and only once that history has the last word and does not hold it is it sent
again.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tsuzuku.allowances.actions import lock_cards
from tsuzuku.carriers.ports import Activation, ActivationRequest
from tsuzuku.carriers.registry import carrier, carrier_names
from tsuzuku.journal.claims import due, try_again_at
from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import WHOLE_SECONDS
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable
from tsuzuku.payments.balance import hold_paying_accounts
from tsuzuku.renewals import states
from tsuzuku.renewals.actions import credit_renewals, move_renewals, save_renewals, withdraw
from tsuzuku.renewals.models import Renewal

#: How long a worker holds what it has claimed.
LEASE = timedelta(seconds=60)
#: Nothing is sent this late in a lease: an adapter's time-outs must fit into what is left of it.
_CALL_TAKES_MAX = timedelta(seconds=WHOLE_SECONDS)
#: What is not activated by then never will be: the money goes back.
GIVE_UP_AFTER = timedelta(hours=24)
#: An outcome that is not known is asked for this much later.
_ASK_AFTER = timedelta(seconds=2)
#: Somebody stands there with a phone: the next try is never further off than this, or a quarter of the wait so far.
_WAIT_MIN = timedelta(seconds=5)
_PORTION = 64
_CALLS_AT_ONCE = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be done for a claimed renewal: send it, or ask what became of what was sent."""

    renewal: Renewal
    is_sending: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """A call, when it was made, and its answer: an activation, None (not in the history), or one of the outcomes."""

    call: Call
    called_at: datetime
    answer: Activation | PortError | None


def activate_renewals() -> int:
    """Works off what is ready, a portion at a time; returns how many calls were made.

    Several workers may run it at once. Each portion is claimed under a lease and committed, then carriers are called
    outside any transaction, then the outcomes are recorded together.
    """
    called = 0
    with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="carrier") as pool:
        while calls := _claim(now=clock.now()):
            # Each call in a copy of this context, which holds the clock.
            answers = [pool.submit(copy_context().run, _call, call) for call in calls]
            _record([answer.result() for answer in answers], now=clock.now())
            called += len(calls)
    return called


def has_renewals_to_activate(now: datetime) -> bool:
    """Whether a renewal waits for its carrier."""
    return _ready_renewals(now).exists()


def _ready_renewals(now: datetime) -> QuerySet[Renewal]:
    """Settled ones that are first in the line of their card, and open ones whose time has come."""
    others = Renewal.objects.filter(card=OuterRef("card"), next_attempt_at__isnull=False).exclude(pk=OuterRef("pk"))
    ahead = others.filter(Q(state=states.ACTIVATING) | Q(state=states.ORDERED, pk__lt=OuterRef("pk")))
    waiting = Renewal.objects.filter(Q(state=states.ACTIVATING) | (Q(state=states.ORDERED) & ~Exists(ahead)))
    # A carrier that is not installed (any more) keeps back only its own cards.
    return due(waiting.filter(card__carrier__in=carrier_names()), now=now)


def _claim(*, now: datetime) -> list[Call]:
    """Takes a portion under a lease. What will be sent counts as out there from here on, whatever happens to us."""
    with transaction.atomic():
        renewals = list(
            _ready_renewals(now)
            .select_related("card", "terms", "plan")
            .order_by("next_attempt_at", "pk")
            .select_for_update(of=("self",), skip_locked=True)[:_PORTION]
        )
        calls = [Call(renewal, is_sending=renewal.history_final_at is None) for renewal in renewals]
        for call in calls:
            call.renewal.attempts += 1
            call.renewal.lease_until = call.renewal.next_attempt_at = now + LEASE
            if call.is_sending:
                call.renewal.history_final_at = now + LEASE + _settling_time(call.renewal)
        fresh = [renewal for renewal in renewals if renewal.state == states.ORDERED]
        move_renewals(fresh, states.ACTIVATING, reason="", actor="system", now=now)
        save_renewals([renewal for renewal in renewals if renewal not in fresh])
        return calls


def _settling_time(renewal: Renewal) -> timedelta:
    return timedelta(seconds=carrier(renewal.card.carrier).capabilities.settles_within_seconds)


def _call(call: Call) -> Answered:
    """The only place that speaks to a carrier; touches no database."""
    called_at = clock.now()
    try:
        return Answered(call, called_at, _send(call.renewal) if call.is_sending else _ask(call.renewal))
    except PortError as outcome:
        return Answered(call, called_at, outcome)
    except Exception:
        # An adapter that breaks its promise must not take its neighbours' answers with it. What it did, nobody knows.
        log.exception("the adapter of carrier %s failed", call.renewal.card.carrier)
        return Answered(call, called_at, OutcomeUnknown("adapter-failed"))


def _send(renewal: Renewal) -> Activation:
    if renewal.lease_until is None or clock.now() > renewal.lease_until - _CALL_TAKES_MAX:
        raise Unavailable("lease-short", "too much of the lease was gone to send anything")
    return carrier(renewal.card.carrier).activate(
        ActivationRequest(
            reference=str(renewal.reference),
            iccid=Iccid(renewal.card.iccid),
            plan_code=renewal.plan.code,
            terms=renewal.terms.terms,
        )
    )


def _ask(renewal: Renewal) -> Activation | None:
    port = carrier(renewal.card.carrier)
    return port.find_activation(iccid=Iccid(renewal.card.iccid), reference=str(renewal.reference))


def _record(answers: Sequence[Answered], *, now: datetime) -> None:
    """Records a portion together; if one of them cannot be recorded, one by one, so that it keeps back only itself."""
    try:
        _record_together(answers, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(answers) == 1:
            # It stays as it was claimed: when its lease ends the carrier's history is asked again.
            log.exception("renewal %s could not be recorded", answers[0].call.renewal.pk)
            return
        for each in answers:
            _record([each], now=now)


def _record_together(answers: Sequence[Answered], *, now: datetime) -> None:
    with transaction.atomic():
        lock_cards([each.call.renewal.card_id for each in answers])
        held = _still_held(answers)
        credited = [
            (held[each.call.renewal.pk], each.answer.credited_at, each.answer.carrier_reference)
            for each in answers
            if each.call.renewal.pk in held and isinstance(each.answer, Activation)
        ]
        credit_renewals(credited, now=now)
        refused: list[tuple[Renewal, str, str]] = []
        for each in answers:
            renewal = held.get(each.call.renewal.pk)
            if renewal is not None and not isinstance(each.answer, Activation):
                refused += _go_on(renewal, each, now=now)
        hold_paying_accounts([renewal.order.number for renewal, _, _ in refused])
        for renewal, reason, actor in refused:
            _refuse(renewal, reason=reason, actor=actor, now=now)


def _still_held(answers: Sequence[Answered]) -> dict[int, Renewal]:
    """The renewals, locked, that nobody else has claimed since; whoever has will ask the history and find the same."""
    attempts = {each.call.renewal.pk: each.call.renewal.attempts for each in answers}
    rows = Renewal.objects.filter(pk__in=attempts, state=states.ACTIVATING).select_related("order", "card")
    locked = rows.order_by("pk").select_for_update(of=("self",))
    return {row.pk: row for row in locked if row.attempts == attempts[row.pk]}


def _go_on(renewal: Renewal, answered: Answered, *, now: datetime) -> list[tuple[Renewal, str, str]]:
    """What comes after anything but an activation; returns what is to be refused, with the reason and who says so."""
    answer, is_sending = answered.answer, answered.call.is_sending
    if is_sending and isinstance(answer, Rejected):
        return [(renewal, answer.code, f"carrier:{renewal.card.carrier}")]
    renewal.lease_until = None
    renewal.next_attempt_at = min(try_again_at(renewal, now=now), now + _longest_wait(renewal, now))
    if is_sending and isinstance(answer, OutcomeUnknown):
        renewal.unknown_outcomes += 1
        renewal.history_final_at = now + _settling_time(renewal)
        renewal.next_attempt_at = now + _ASK_AFTER
    elif is_sending:
        renewal.history_final_at = None
    elif answer is None and renewal.history_final_at is not None:
        # Not in the history. Until that is final it is asked again; then nothing is out there and it is sent anew. What
        # counts is when we asked: between the asking and now the carrier may have credited it.
        if answered.called_at < renewal.history_final_at:
            renewal.next_attempt_at = min(renewal.next_attempt_at, renewal.history_final_at)
        else:
            renewal.history_final_at, renewal.next_attempt_at = None, now
    if renewal.history_final_at is None and renewal.settled_at and now > renewal.settled_at + GIVE_UP_AFTER:
        return [(renewal, "carrier-unavailable", "system")]
    save_renewals([renewal])
    return []


def _longest_wait(renewal: Renewal, now: datetime) -> timedelta:
    """Many tries in little time, as when all dies at once, must not send a renewal to the far end of the pace."""
    return max(_WAIT_MIN, (now - (renewal.settled_at or renewal.created_at)) / 4)


def _refuse(renewal: Renewal, *, reason: str, actor: str, now: datetime) -> None:
    renewal.refusal, renewal.history_final_at = reason, None
    move_renewals([renewal], states.REFUSED, reason=reason, actor=actor, now=now)
    withdraw(renewal, reason=reason, actor="system", now=now)
