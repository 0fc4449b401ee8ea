# SPDX-License-Identifier: Apache-2.0
"""What gateways tell of deliveries: taken from their webhooks, or fetched where they tell it in a session."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import PortError
from tsuzuku.messaging import states
from tsuzuku.messaging.bounces import keep_bounce, release_address
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind, DeliveryReport, Verdict
from tsuzuku.messaging.registry import gateway, has_gateway
from tsuzuku.messaging.rules import REPORTS_COUNT_FOR, can_be_reported

COLLECT_REPORTS = "collect delivery reports"
#: How often a session is looked into.
COLLECT_EVERY = timedelta(seconds=30)
_STATES = {Verdict.DELIVERED: states.DELIVERED, Verdict.BOUNCED: states.BOUNCED, Verdict.FAILED: states.FAILED}
#: When this process last looked into the session of a kind of address.
_collected_at: dict[AddressKind, datetime] = {}

log = logging.getLogger(__name__)


def take_reports(*, kind: AddressKind, reports: Sequence[DeliveryReport], now: datetime) -> int:
    """Writes down what became of messages; returns how many of the reports were about one of ours.

    A report that comes twice, too late, or after another had the last word moves nothing.
    """
    return sum(_take(kind, report, now=now) for report in reports)


def collect_due_reports() -> int:
    """Fetches what gateways tell in a session of their own; returns how many reports there were."""
    found = 0
    for kind in _collected():
        now = clock.now()
        _collected_at[kind] = now
        try:
            reports = gateway(kind).collect_reports()
        except PortError as problem:
            log.warning("delivery reports of %s could not be fetched: %s", kind.value, problem.code)
            continue
        take_reports(kind=kind, reports=reports, now=now)
        found += len(reports)
    return found


def has_reports_to_collect(now: datetime) -> bool:
    """Whether a gateway with a session may have something to tell, and was not asked a moment ago."""
    return any(
        Message.objects.filter(
            kind=kind.value, state=states.SENT, ended_at__gt=now - REPORTS_COUNT_FOR, is_report_awaited=True
        ).exists()
        for kind in _collected()
        if kind not in _collected_at or abs(now - _collected_at[kind]) >= COLLECT_EVERY
    )


def _collected() -> list[AddressKind]:
    return [kind for kind in AddressKind if has_gateway(kind) and gateway(kind).capabilities.reports_in_session]


def _take(kind: AddressKind, report: DeliveryReport, *, now: datetime) -> bool:
    with transaction.atomic():
        message = _reported(kind, report)
        if message is None:
            return False
        state = _STATES.get(report.verdict)
        is_open = can_be_reported(
            kind=kind, state=message.state, verdict=report.verdict, ended_at=message.ended_at, now=now
        )
        if state is None or not is_open:
            return True
        states.MESSAGE_STATES.check_move(message.state, state)
        Message.objects.filter(pk=message.pk).update(
            state=state,
            problem=report.reason,
            ended_at=message.ended_at or now,
            reported_at=now,
            is_report_awaited=False,
            lease_until=None,
            next_attempt_at=None,
        )
        if report.verdict is Verdict.BOUNCED:
            keep_bounce(message, problem=report.reason, now=now)
        elif report.verdict is Verdict.DELIVERED:
            release_address(kind=kind, address=message.address)
        return True


def _reported(kind: AddressKind, report: DeliveryReport) -> Message | None:
    """The message, locked: by our name of it, by the gateway's, else the newest that went to the address."""
    names = Q()
    if ours := _uuid(report.message_id):
        names = Q(reference=ours)
    elif report.reference:
        names = Q(gateway_reference=report.reference)
    elif report.address and kind is AddressKind.EMAIL:
        # Some services write addresses in small letters.
        names = Q(address__in={report.address, report.address.lower()}, state__in=(states.SENT, states.DELIVERED))
    else:
        return None
    return Message.objects.select_for_update().filter(names, kind=kind.value).order_by("pk").last()


def _uuid(message_id: str) -> UUID | None:
    try:
        return UUID(message_id.partition("@")[0])
    except ValueError:
        return None
