# SPDX-License-Identifier: Apache-2.0
"""Webhooks to partners: their address and secret, what they are told, and telling it again. `delivering` sends them.

A partner is told the end of a renewal that was still under way when its call was answered.
"""

import json
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from tsuzuku.allowances.queries import Allowance, card_allowances
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.kernel.public_hosts import Resolve, port_of, resolved
from tsuzuku.kernel.sealing import seal, unseal
from tsuzuku.renewals.models import Renewal, RenewalMove
from tsuzuku.renewals.states import ACTIVE, WITHDRAWN
from tsuzuku.sellers import states
from tsuzuku.sellers.addresses import checked_addresses, parse_webhook_url
from tsuzuku.sellers.errors import WebhookEventUnknown, WebhookHeld, WebhookUnset
from tsuzuku.sellers.events import WebhookRemoved, WebhookSet
from tsuzuku.sellers.models import Partner, WebhookDelivery
from tsuzuku.sellers.queries import partner_named
from tsuzuku.sellers.renewal_json import moment_text, renewal_fields

SEND_WEBHOOKS = "send webhooks"
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
#: So long after its receipt a webhook is forgotten. Nobody hears again by then of the renewal's end.
KEEP_RECEIVED = timedelta(days=90)
#: Why a webhook is dead that was never tried to the end.
ADDRESS_REMOVED = "address-removed"
_FORGOTTEN_AT_ONCE = 10_000
#: What an ended renewal is told as.
TYPES = {ACTIVE: "renewal.active", WITHDRAWN: "renewal.refused"}
_TOLD_STATE = "activating"
_SECRET_PURPOSE = "sellers webhook secret"  # noqa: S105 - the name of a key, not a key
_SECRET_BYTES = 32


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


def remove_webhook(*, name: str, actor: str, now: datetime) -> int:
    """Takes a partner's address away: nothing is told any more, and what waits is given up. Returns how many that were.

    Those may be sent again once there is an address. Without one nothing happens. Raises PartnerUnknown.
    """
    with transaction.atomic():
        partner = Partner.objects.select_for_update().get(pk=partner_named(name).pk)
        if not partner.webhook_url:
            return 0
        partner.webhook_url, partner.webhook_secret_sealed, partner.webhook_since = "", None, None
        partner.webhook_silent_since = partner.webhook_paused_until = None
        partner.save()
        record_facts([WebhookRemoved(partner_id=partner.pk)], actor=actor, now=now)
        return WebhookDelivery.objects.filter(partner=partner, state=states.PENDING).update(
            state=states.DEAD, problem=ADDRESS_REMOVED, ended_at=now, next_attempt_at=None, lease_until=None
        )


def _sealed(secret: str, partner: Partner) -> bytes:
    return seal(secret, secret=settings.INSTALLATION_SECRET, purpose=_SECRET_PURPOSE, belongs_to=partner.actor)


def webhook_secret(partner: Partner) -> str:
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
    WebhookDelivery.objects.bulk_create(
        (
            _delivery(
                renewal,
                receivers[_partner_id(renewal)],
                ended_at=ended_at[renewal.pk],
                allowance=allowances[renewal.card_id],
                now=now,
            )
            for renewal in renewals
        ),
        ignore_conflicts=True,
    )
    wake(SEND_WEBHOOKS)


def _delivery(
    renewal: Renewal, partner: Partner, *, ended_at: datetime, allowance: Allowance, now: datetime
) -> WebhookDelivery:
    event_id, event_type = uuid.uuid4(), TYPES[renewal.state]
    body = {
        "id": str(event_id),
        "type": event_type,
        "at": moment_text(ended_at),
        "renewal": renewal_fields(
            number=renewal.order.number,
            state=renewal.state,
            iccid=renewal.card.iccid,
            plan=renewal.plan.code,
            price=renewal.order.price,
            remaining_bytes=allowance.remaining_bytes,
            online_until=allowance.online_until,
        ),
    }
    return WebhookDelivery(
        event_id=event_id,
        partner=partner,
        renewal=renewal,
        type=event_type,
        body=json.dumps(body, ensure_ascii=False),
        created_at=now,
        next_attempt_at=now,
    )


def _partner_id(renewal: Renewal) -> int:
    return int(renewal.actor.removeprefix("partner:"))


def resend_webhook(*, event_id: uuid.UUID, now: datetime) -> WebhookDelivery:
    """Has a webhook sent again under the same event id, received or dead; one that waits for its next try is tried now.

    Raises WebhookEventUnknown, WebhookHeld, or WebhookUnset when the partner has no address now.
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
        if not delivery.partner.webhook_url:
            raise WebhookUnset
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


# -- what is forgotten -------------------------------------------------------------------------------------------------


def has_webhooks_to_forget(now: datetime) -> bool:
    """Whether a webhook was received so long ago that nobody asks for it any more."""
    return _received_long_ago(now).exists()


def forget_webhooks(*, now: datetime) -> int:
    """Deletes webhooks that were received long ago, a portion; returns how many. Dead ones stay to be seen."""
    portion = _received_long_ago(now).order_by("ended_at").values("pk")[:_FORGOTTEN_AT_ONCE]
    deleted, _ = WebhookDelivery.objects.filter(pk__in=portion, state=states.DELIVERED).delete()
    return deleted


def _received_long_ago(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state=states.DELIVERED, ended_at__lt=now - KEEP_RECEIVED)
