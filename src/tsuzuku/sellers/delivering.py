# SPDX-License-Identifier: Apache-2.0
"""Sending webhooks until they are received or dead.

A receiver that does not answer delays nobody but itself (`_Shares`).
"""

import logging
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tsuzuku.journal import statements
from tsuzuku.journal.claims import claim, still_held
from tsuzuku.kernel import clock
from tsuzuku.kernel.public_calls import CALL_SECONDS, Answer
from tsuzuku.kernel.signatures import signature_header
from tsuzuku.sellers import states
from tsuzuku.sellers.addresses import parse_webhook_url
from tsuzuku.sellers.models import Partner, WebhookDelivery
from tsuzuku.sellers.notices import tell_dead_webhook
from tsuzuku.sellers.sending import post
from tsuzuku.sellers.webhook_sql import DUE_OF_EACH_PARTNER
from tsuzuku.sellers.webhooks import RETRY_AFTER, webhook_secret

#: How long a worker holds what it has claimed.
LEASE = timedelta(seconds=60)
#: An address that did not answer is left alone for so long, whatever else waits for it.
PAUSE = timedelta(seconds=10)
_CALLS_AT_ONCE = 32
_CALLS_AT_ONCE_SILENT = 16
_CALLS_AT_ONCE_OF_PARTNER = 4
#: While calls are under way, what has become due meanwhile is looked for this often.
_LOOK_AGAIN_SECONDS = 0.25
_USER_AGENT = "Tsuzuku-Webhook/1"

#: Problems that are ours and say nothing about the partner's address.
_LEASE_SHORT: Final = "lease-short"
_FAILED: Final = "failed"

_is_sending = threading.Lock()
log = logging.getLogger(__name__)


def send_webhooks() -> int:
    """Sends what is due, many at once and outside any transaction; returns how many tries were made.

    A webhook is sent at least once: after a crash between the receipt and our record of it, it goes out again with the
    same event id. One process runs it once at a time; a second call returns at once.
    """
    if not _is_sending.acquire(blocking=False):
        return 0
    try:
        return _send_all()
    finally:
        _is_sending.release()


def has_webhooks_to_send(now: datetime) -> bool:
    """Whether a webhook is due to an address that is not being left alone."""
    return bool(statements.rows(f"{DUE_OF_EACH_PARTNER} LIMIT 1", {"now": now, "of_each": 1}))


class _Shares:
    """Who may have how many calls under way in one run of sending.

    A partner begins with one and may have one more for each answer, up to a few; one that was silent stays at one, and
    all the silent ones together have a part of the threads.
    """

    def __init__(self) -> None:
        self._calls: Counter[int] = Counter()
        self._answers: Counter[int] = Counter()
        self._silent: set[int] = set()

    @property
    def free(self) -> int:
        """How many threads are free."""
        return _CALLS_AT_ONCE - self._calls.total()

    def take(self, partner_id: int, *, is_silent: bool) -> bool:
        """Counts a call that begins, if this partner may have one more."""
        most = 1 if is_silent else min(1 + self._answers[partner_id], _CALLS_AT_ONCE_OF_PARTNER)
        if not self.free or self._calls[partner_id] >= most:
            return False
        if is_silent:
            if len(self._silent) == _CALLS_AT_ONCE_SILENT:
                return False
            self._silent.add(partner_id)
        self._calls[partner_id] += 1
        return True

    def give_back(self, partner_id: int, *, is_answered: bool) -> None:
        """Counts a call that has ended."""
        self._calls[partner_id] -= 1
        self._silent.discard(partner_id)
        self._answers[partner_id] = self._answers[partner_id] + 1 if is_answered else 0


def _send_all() -> int:
    tries = 0
    under_way: dict[Future[Answer], WebhookDelivery] = {}
    shares = _Shares()
    with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="webhook") as pool:
        while True:
            for delivery in _claim(shares, now=clock.now()):
                # Each call in a copy of this context, which holds the clock.
                under_way[pool.submit(copy_context().run, _call, delivery)] = delivery
                tries += 1
            if not under_way:
                return tries
            done, _ = wait(under_way, timeout=_LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                delivery, answer = under_way.pop(future), future.result()
                shares.give_back(delivery.partner_id, is_answered=answer.status is not None)
                _record(delivery, answer, now=clock.now())


def _claim(shares: _Shares, *, now: datetime) -> list[WebhookDelivery]:
    """Takes what is due under a lease, as far as threads are free and each partner's share goes."""
    if not shares.free:
        return []
    found = statements.rows(DUE_OF_EACH_PARTNER, {"now": now, "of_each": _CALLS_AT_ONCE_OF_PARTNER})
    chosen = {
        delivery_id: partner_id
        for delivery_id, partner_id, is_silent in found
        if shares.take(partner_id, is_silent=is_silent)
    }
    if not chosen:
        return []
    claimed = claim(WebhookDelivery.objects.filter(pk__in=chosen), now=now, lease=LEASE, limit=len(chosen))
    for delivery_id in chosen.keys() - {delivery.pk for delivery in claimed}:
        shares.give_back(chosen[delivery_id], is_answered=False)  # Another worker was quicker.
    partners = Partner.objects.in_bulk({delivery.partner_id for delivery in claimed})
    for delivery in claimed:
        delivery.partner = partners[delivery.partner_id]
    return claimed


def _call(delivery: WebhookDelivery) -> Answer:
    """The only place that speaks to a partner's address; touches no database."""
    now = clock.now()
    if delivery.lease_until is None or now > delivery.lease_until - timedelta(seconds=CALL_SECONDS):
        return Answer(problem=_LEASE_SHORT)
    body = delivery.body.encode()
    try:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "Tsuzuku-Signature": signature_header(body, secrets=[webhook_secret(delivery.partner)], at=now),
        }
        return post(parse_webhook_url(delivery.partner.webhook_url), body, headers=headers)
    except Exception:
        # What nobody foresaw must not take the answers of its neighbours with it.
        log.exception("webhook %s could not be sent", delivery.event_id)
        return Answer(problem=_FAILED)


def _record(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> None:
    problem = "" if answer.is_receipt else answer.problem or f"http-{answer.status}"
    fields = {"answer_status": answer.status, "problem": problem, "lease_until": None}
    # Its address may have been removed meanwhile, and the webhook with it.
    held = still_held(delivery).filter(state=states.PENDING)
    tries = delivery.attempts - delivery.attempts_before
    with transaction.atomic():
        if answer.is_receipt:
            held.update(state=states.DELIVERED, ended_at=now, next_attempt_at=None, **fields)
        elif problem == _LEASE_SHORT:
            held.update(attempts_before=F("attempts_before") + 1, next_attempt_at=now, lease_until=None)
        elif tries <= len(RETRY_AFTER):
            held.update(next_attempt_at=now + RETRY_AFTER[tries - 1], **fields)
        elif held.update(state=states.DEAD, ended_at=now, next_attempt_at=None, **fields):
            delivery.problem = problem
            tell_dead_webhook(delivery, now=now)
        _note_silence(delivery.partner, answer, now=now)


def _note_silence(partner: Partner, answer: Answer, *, now: datetime) -> None:
    """Any answer at all shows that somebody is there."""
    if answer.status is not None:
        Partner.objects.filter(pk=partner.pk, webhook_silent_since__isnull=False).update(
            webhook_silent_since=None, webhook_paused_until=None
        )
    elif answer.problem not in {_LEASE_SHORT, _FAILED}:
        Partner.objects.filter(pk=partner.pk, webhook_url=partner.webhook_url).update(
            webhook_silent_since=Coalesce("webhook_silent_since", now), webhook_paused_until=now + PAUSE
        )
