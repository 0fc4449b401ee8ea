# SPDX-License-Identifier: Apache-2.0
"""Writing facts down and telling them."""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from tsuzuku.journal import statements
from tsuzuku.journal.chores import wake
from tsuzuku.journal.events import Event
from tsuzuku.journal.listeners import Heard, listener, listeners, listeners_for
from tsuzuku.journal.models import Delivery
from tsuzuku.kernel import clock
from tsuzuku.kernel.retries import retry_after

PORTION = 1000
#: Deliveries that are looked at together; most tell a single fact.
_CLAIM = PORTION
log = logging.getLogger(__name__)

#: Facts from one array for each column; their ids grow in the order given.
_INSERT_FACTS = """
    INSERT INTO journal_fact (kind, card_id, actor, body, at)
    SELECT kind, card_id, %(actor)s::text, body, %(at)s::timestamptz
      FROM ROWS FROM (unnest(%(kinds)s::text[]), unnest(%(cards)s::bigint[]), jsonb_array_elements(%(bodies)s::jsonb))
           WITH ORDINALITY AS new(kind, card_id, body, place)
     ORDER BY place
    RETURNING id, kind
"""

#: What one listener is to hear of them.
_INSERT_DELIVERY = """
    INSERT INTO journal_delivery (listener, fact_ids, next_attempt_at)
    VALUES (%(listener)s, %(facts)s::bigint[], %(now)s::timestamptz)
"""

#: Of these listeners those who have something to hear; a look into the index for each, however much waits.
_WITH_DELIVERIES = """
    SELECT name
      FROM unnest(%(listeners)s::text[]) AS name,
           LATERAL (SELECT 1 FROM journal_delivery
                     WHERE listener = name AND next_attempt_at <= %(now)s::timestamptz LIMIT 1) AS delivery
"""

#: Facts, oldest first.
_FACTS = "SELECT id, actor, card_id, body FROM journal_fact WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id"


def record_facts(events: Sequence[Event], *, actor: str, now: datetime) -> None:
    """Writes facts in the caller's transaction, with a delivery for each listener, and wakes the listeners after it."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a fact is written in the transaction of what it tells")
    if not events:
        return
    written = statements.rows(
        _INSERT_FACTS,
        {
            "kinds": [event.kind for event in events],
            "cards": [event.card_id for event in events],
            "bodies": json.dumps([event.body() for event in events]),
            "actor": actor,
            "at": now,
        },
    )
    ids: dict[str, list[int]] = defaultdict(list)
    for fact_id, kind in sorted(written):
        ids[kind].append(fact_id)
    told = [(each, list(portion)) for kind in ids for each in listeners_for(kind) for portion in _portions(ids[kind])]
    for each, portion in told:
        statements.execute(_INSERT_DELIVERY, {"listener": each.name, "facts": portion, "now": now})
    for name in sorted({each.name for each, _ in told if each.is_urgent}):
        wake(chore_name(name))


def _portions(fact_ids: Sequence[int]) -> list[Sequence[int]]:
    return [fact_ids[start : start + PORTION] for start in range(0, len(fact_ids), PORTION)]


def chore_name(listener_name: str) -> str:
    """The chore that delivers to a listener."""
    return f"deliver {listener_name}"


def deliver_facts(*, listener_name: str) -> int:
    """Tells a listener all that is due, in portions; returns how many facts it heard.

    A portion that fails is told again one by one, so that one bad fact keeps back nobody but itself.
    """
    heard = 0
    while portion := _deliver_portion(listener_name, limit=_CLAIM):
        heard += portion
    return heard


def _deliver_portion(listener_name: str, *, limit: int) -> int:
    now = clock.now()
    deliveries: list[Delivery] = []
    try:
        with transaction.atomic():
            deliveries = _claim(listener_name, now=now, limit=limit)
            return _tell(listener_name, deliveries)
    except (OperationalError, InterfaceError):
        # The database itself is in trouble (gone, a deadlock), which is not the facts' fault: the sweep comes back.
        raise
    except Exception as problem:
        if not deliveries:
            raise
        if limit > 1 or _split(deliveries[0]):
            count = sum(len(delivery.fact_ids) for delivery in deliveries)
            return sum(_deliver_portion(listener_name, limit=1) for _ in range(count))
        log.exception("listener %s could not take fact %s", listener_name, deliveries[0].fact_ids[0])
        _postpone(deliveries[0], problem=repr(problem), now=now)
        return 0


def _claim(listener_name: str, *, now: datetime, limit: int) -> list[Delivery]:
    """The oldest deliveries that are due, as many as make a portion of facts, and one at least."""
    due = Delivery.objects.filter(listener=listener_name, next_attempt_at__lte=now)
    claimed: list[Delivery] = []
    count = 0
    for delivery in due.order_by("fact_ids").select_for_update(skip_locked=True)[:limit]:
        count += len(delivery.fact_ids)
        if claimed and count > PORTION:
            break
        claimed.append(delivery)
    return claimed


def _tell(listener_name: str, deliveries: Sequence[Delivery]) -> int:
    if not deliveries:
        return 0
    told = listener(listener_name)
    facts = statements.rows(_FACTS, {"ids": [fact_id for delivery in deliveries for fact_id in delivery.fact_ids]})
    told.hear(
        [
            Heard(fact_id=fact_id, actor=actor, event=told.event_type.from_body(card_id=card_id, body=body))
            for fact_id, actor, card_id, body in facts
        ]
    )
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).delete()
    return len(facts)


def _split(delivery: Delivery) -> bool:
    """Makes a delivery of several facts one for each; whether there was anything to split."""
    if len(delivery.fact_ids) == 1:
        return False
    with transaction.atomic():
        deleted, _ = Delivery.objects.filter(pk=delivery.pk).delete()
        if deleted:
            Delivery.objects.bulk_create(
                Delivery(listener=delivery.listener, fact_ids=[fact_id], next_attempt_at=delivery.next_attempt_at)
                for fact_id in delivery.fact_ids
            )
    return True


def _postpone(delivery: Delivery, *, problem: str, now: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        attempts=F("attempts") + 1, next_attempt_at=now + retry_after(delivery.attempts + 1), problem=problem
    )


def is_due(*, listener_name: str, now: datetime) -> bool:
    """Whether a listener has anything to hear."""
    return Delivery.objects.filter(listener=listener_name, next_attempt_at__lte=now).exists()


def listeners_due(*, now: datetime) -> set[str]:
    """The names of all listeners that have anything to hear, in one query."""
    params = {"listeners": [each.name for each in listeners()], "now": now}
    return {name for (name,) in statements.rows(_WITH_DELIVERIES, params)}
