# SPDX-License-Identifier: Apache-2.0
"""Webhooks to partners: their address and secret, what they are told, and the sending.

A partner is told the end of a renewal that was still under way when its call was answered. A receiver that does not
answer delays nobody but itself (`_Shares`).
"""

import json
import logging
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tsuzuku.allowances.queries import card_allowances
from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import claim, still_held
from tsuzuku.kernel import clock
from tsuzuku.kernel.sealing import seal, unseal
from tsuzuku.kernel.signatures import signature_header
from tsuzuku.renewals.models import Renewal, RenewalMove
from tsuzuku.renewals.states import ACTIVE, WITHDRAWN
from tsuzuku.sellers import states
from tsuzuku.sellers.addresses import Resolve, checked_addresses, parse_webhook_url, port_of, resolved
from tsuzuku.sellers.errors import WebhookEventUnknown, WebhookHeld
from tsuzuku.sellers.events import WebhookSet
from tsuzuku.sellers.models import Partner, WebhookDelivery
from tsuzuku.sellers.notices import tell_dead_webhook
from tsuzuku.sellers.queries import partner_named
from tsuzuku.sellers.renewal_json import moment_text, renewal_fields
from tsuzuku.sellers.sending import CALL_SECONDS, Answer, post
from tsuzuku.sellers.webhook_sql import DUE_OF_EACH_PARTNER

SEND_WEBHOOKS = "send webhooks"
#: How long a worker holds what it has claimed.
LEASE = timedelta(seconds=60)
#: After the first try and after each of these; then it is dead (docs/contracts/partner-api.md).
RETRY_AFTER = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
#: An address that did not answer is left alone for so long, whatever else waits for it.
PAUSE = timedelta(seconds=10)
#: What an ended renewal is told as.
TYPES = {ACTIVE: "renewal.active", WITHDRAWN: "renewal.refused"}
_TOLD_STATE = "activating"
_SECRET_PURPOSE = "sellers webhook secret"  # noqa: S105 - the name of a key, not a key
_SECRET_BYTES = 32
_CALLS_AT_ONCE = 32
_CALLS_AT_ONCE_SILENT = 16
_CALLS_AT_ONCE_OF_PARTNER = 4
#: While calls are under way, what has become due meanwhile is looked for this often.
_LOOK_AGAIN_SECONDS = 0.25
_USER_AGENT = "Tsuzuku-Webhook/1"

_is_sending = threading.Lock()
log = logging.getLogger(__name__)


# -- address and secret ------------------------------------------------------------------------------------------------


def set_webhook(*, name: str, url: str, actor: str, now: datetime, resolve: Resolve = resolved) -> str:
    """Sets where a partner's webhooks go and returns the new secret with which they are signed, shown only now.

    In effect at once, also for webhooks that wait. Looks the host up, so call it outside a transaction.
    Raises PartnerUnknown or WebhookAddressRefused.
    """
    parsed = parse_webhook_url(url)
    partner_named(name)
    checked_addresses(parsed.raw_host.decode("ascii"), port_of(parsed), resolve=resolve)
    secret = f"whsec_{secrets.token_urlsafe(_SECRET_BYTES)}"
    with transaction.atomic():
        partner = Partner.objects.select_for_update().get(pk=partner_named(name).pk)
        partner.webhook_url = str(parsed)
        partner.webhook_secret_sealed = _sealed(secret, partner)
        partner.webhook_since = partner.webhook_since or now
        partner.webhook_silent_since = partner.webhook_paused_until = None
        partner.save()
        record_facts([WebhookSet(partner_id=partner.pk)], actor=actor, now=now)
        wake(SEND_WEBHOOKS)
    return secret


def _sealed(secret: str, partner: Partner) -> bytes:
    return seal(secret, secret=settings.INSTALLATION_SECRET, purpose=_SECRET_PURPOSE, belongs_to=partner.actor)


def _secret(partner: Partner) -> str:
    """What a partner's webhooks are signed with. Never log it."""
    return unseal(
        bytes(partner.webhook_secret_sealed or b""),
        secret=settings.INSTALLATION_SECRET,
        purpose=_SECRET_PURPOSE,
        belongs_to=partner.actor,
    )


# -- what is told ------------------------------------------------------------------------------------------------------


def announce_endings(*, renewal_ids: Sequence[int], now: datetime) -> None:
    """Queues a webhook for each of these renewals that has ended and whose partner does not know; in a transaction.

    Only renewals that were answered as under way are told, and each end once, however often it is announced.
    """
    if not renewal_ids:
        return
    renewals = list(
        Renewal.objects.filter(
            pk__in=renewal_ids, told_state=_TOLD_STATE, actor__startswith="partner:", state__in=TYPES
        )
        .select_related("card", "plan", "order")
        .order_by("pk")
    )
    receivers = Partner.objects.exclude(webhook_url="").in_bulk({_partner_id(renewal) for renewal in renewals})
    renewals = [renewal for renewal in renewals if _partner_id(renewal) in receivers]
    if not renewals:
        return
    allowances = card_allowances([renewal.card_id for renewal in renewals], now=now)
    ended_at = dict(
        RenewalMove.objects.filter(renewal__in=renewals, target__in=TYPES).order_by("pk").values_list("renewal", "at")
    )
    deliveries = []
    for renewal in renewals:
        event_id, kind = uuid.uuid4(), TYPES[renewal.state]
        body = {
            "id": str(event_id),
            "type": kind,
            "at": moment_text(ended_at[renewal.pk]),
            "renewal": renewal_fields(
                number=renewal.order.number,
                state=renewal.state,
                iccid=renewal.card.iccid,
                plan=renewal.plan.code,
                price=renewal.order.price,
                remaining_bytes=allowances[renewal.card_id].remaining_bytes,
                online_until=allowances[renewal.card_id].online_until,
            ),
        }
        deliveries.append(
            WebhookDelivery(
                event_id=event_id,
                partner=receivers[_partner_id(renewal)],
                renewal=renewal,
                type=kind,
                body=json.dumps(body, ensure_ascii=False),
                created_at=now,
                next_attempt_at=now,
            )
        )
    WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    wake(SEND_WEBHOOKS)


def _partner_id(renewal: Renewal) -> int:
    return int(renewal.actor.removeprefix("partner:"))


def resend_webhook(*, event_id: uuid.UUID, now: datetime) -> WebhookDelivery:
    """Has a webhook sent again under the same event id, received or dead; one that waits for its next try is tried now.

    Raises WebhookEventUnknown or WebhookHeld.
    """
    with transaction.atomic():
        delivery = (
            WebhookDelivery.objects.select_for_update(of=("self",))
            .select_related("partner", "renewal__order")
            .filter(event_id=event_id)
            .first()
        )
        if delivery is None:
            raise WebhookEventUnknown
        if delivery.lease_until is not None and delivery.lease_until > now:
            raise WebhookHeld
        if delivery.state != states.PENDING:
            states.WEBHOOK_STATES.check_move(delivery.state, states.PENDING)
            delivery.state, delivery.ended_at = states.PENDING, None
            # `attempts` goes on: by it a sender sees that its row is no longer its own.
            delivery.attempts_before = delivery.attempts
        delivery.next_attempt_at, delivery.lease_until = now, None
        delivery.save()
        Partner.objects.filter(pk=delivery.partner_id).update(webhook_paused_until=None)
        wake(SEND_WEBHOOKS)
    return delivery


# -- sending -----------------------------------------------------------------------------------------------------------


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
            "Tsuzuku-Signature": signature_header(body, secrets=[_secret(delivery.partner)], at=now),
        }
        return post(parse_webhook_url(delivery.partner.webhook_url), body, headers=headers)
    except Exception:
        # What nobody foresaw must not take the answers of its neighbours with it.
        log.exception("webhook %s could not be sent", delivery.event_id)
        return Answer(problem=_FAILED)


#: Problems that are ours and say nothing about the partner's address.
_LEASE_SHORT = "lease-short"
_FAILED = "failed"


def _record(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> None:
    problem = "" if answer.is_receipt else answer.problem or f"http-{answer.status}"
    fields = {"answer_status": answer.status, "problem": problem, "lease_until": None}
    held = still_held(delivery)
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
