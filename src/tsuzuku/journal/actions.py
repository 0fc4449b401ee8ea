# SPDX-License-Identifier: Apache-2.0
"""Writing facts down and telling them."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from tsuzuku.journal.chores import wake
from tsuzuku.journal.events import Event
from tsuzuku.journal.listeners import Heard, listener, listeners_for
from tsuzuku.journal.models import Delivery, Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.retries import retry_after

PORTION = 1000
log = logging.getLogger(__name__)


def record_facts(events: Sequence[Event], *, actor: str, now: datetime) -> None:
    """Writes facts in the caller's transaction, with a delivery for each listener, and wakes the listeners after it."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a fact is written in the transaction of what it tells")
    facts = Fact.objects.bulk_create(
        Fact(kind=event.kind, card_id=event.card_id, actor=actor, body=event.body(), at=now) for event in events
    )
    deliveries = [
        Delivery(listener=each.name, fact=fact, next_attempt_at=now)
        for fact in facts
        for each in listeners_for(fact.kind)
    ]
    Delivery.objects.bulk_create(deliveries)
    for name in sorted({delivery.listener for delivery in deliveries}):
        wake(chore_name(name))


def chore_name(listener_name: str) -> str:
    """The chore that delivers to a listener."""
    return f"deliver {listener_name}"


def deliver_facts(*, listener_name: str) -> int:
    """Tells a listener all that is due, in portions; returns how many facts it heard.

    A portion that fails is told again one by one, so that one bad fact keeps back nobody but itself.
    """
    heard = 0
    while portion := _deliver_portion(listener_name, limit=PORTION):
        heard += portion
    return heard


def _deliver_portion(listener_name: str, *, limit: int) -> int:
    now = clock.now()
    deliveries: list[Delivery] = []
    try:
        with transaction.atomic():
            deliveries = _claim(listener_name, now=now, limit=limit)
            _tell(listener_name, deliveries)
            return len(deliveries)
    except (OperationalError, InterfaceError):
        # The database itself is in trouble (gone, a deadlock), which is not the facts' fault: the sweep comes back.
        raise
    except Exception as problem:
        if not deliveries:
            raise
        if limit > 1:
            return sum(_deliver_portion(listener_name, limit=1) for _ in range(len(deliveries)))
        log.exception("listener %s could not take fact %s", listener_name, deliveries[0].fact_id)
        _postpone(deliveries[0], problem=repr(problem), now=now)
        return 0


def _claim(listener_name: str, *, now: datetime, limit: int) -> list[Delivery]:
    due = Delivery.objects.filter(listener=listener_name, next_attempt_at__lte=now)
    return list(
        due.select_related("fact").order_by("fact_id").select_for_update(skip_locked=True, of=("self",))[:limit]
    )


def _tell(listener_name: str, deliveries: Sequence[Delivery]) -> None:
    if not deliveries:
        return
    told = listener(listener_name)
    told.hear(
        [
            Heard(
                fact_id=delivery.fact_id,
                actor=delivery.fact.actor,
                event=told.event_type.from_body(card_id=delivery.fact.card_id, body=delivery.fact.body),
            )
            for delivery in deliveries
        ]
    )
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).delete()


def _postpone(delivery: Delivery, *, problem: str, now: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        attempts=F("attempts") + 1, next_attempt_at=now + retry_after(delivery.attempts + 1), problem=problem
    )


def is_due(*, listener_name: str, now: datetime) -> bool:
    """Whether a listener has anything to hear."""
    return Delivery.objects.filter(listener=listener_name, next_attempt_at__lte=now).exists()
