# SPDX-License-Identifier: Apache-2.0
"""Reads what Alipay tells: verify the raw bytes, then parse by a table that has UNKNOWN."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tsuzuku.kernel.storable import storable
from tsuzuku.payments.adapters.alipay.amounts import YUAN, parse_amount
from tsuzuku.payments.adapters.alipay.calls import moment
from tsuzuku.payments.adapters.alipay.config import App
from tsuzuku.payments.adapters.alipay.signing import Forged, check_notice
from tsuzuku.payments.ports import EventKind, FailureReason, ProviderEvent, WebhookForged, WebhookStale

#: What reading raises over a body that is no notification.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
#: How far `notify_time`, when a notification was sent, may lie from ours, either way. One that is sent again says when.
TOLERANCE = timedelta(minutes=5)
#: Once nothing can be given back any more, a trade is finished.
PAID_STATES = frozenset({"TRADE_SUCCESS", "TRADE_FINISHED"})
_CLOSED = "TRADE_CLOSED"


def verify(body: bytes, *, app: App, now: datetime) -> dict[str, str]:
    """The fields of a notification that Alipay signed and sent not long ago. Raises WebhookForged or WebhookStale."""
    try:
        fields = check_notice(body, alipay_keys=app.alipay_keys)
    except Forged:
        raise WebhookForged from None
    try:
        sent_at = moment(fields["notify_time"])
    except UNREADABLE:
        raise WebhookStale from None
    if abs(now - sent_at) > TOLERANCE:
        raise WebhookStale
    return fields


def parse_fields(fields: Mapping[str, str], *, body: bytes, app: App, now: datetime) -> ProviderEvent:
    """The event of a genuine notification, which may be one that nobody can read, or about another merchant."""
    raw = json.dumps(fields, ensure_ascii=False)
    try:
        event_id, occurred_at = storable(fields["notify_id"]), moment(fields["notify_time"])
        is_ours = (fields.get("app_id"), fields.get("seller_id")) == (app.app_id, app.seller_id)
        event = _read(fields) if is_ours else None
        if event is None:
            return ProviderEvent(
                event_id=event_id, kind=EventKind.UNKNOWN, payment_reference="", occurred_at=occurred_at, raw=raw
            )
        return replace(event, event_id=event_id, raw=raw)
    except UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def read_trade(trade: Mapping[str, Any], *, now: datetime) -> list[ProviderEvent]:
    """What a trade tells when it is asked about: that it was paid, or cannot be any more. Raises one of UNREADABLE."""
    status, paid_at = trade["trade_status"], trade.get("send_pay_date")
    if status in PAID_STATES or (status == _CLOSED and paid_at):
        return [_captured(trade, at=moment(paid_at) if paid_at else now)]
    return [expired(storable(trade["out_trade_no"]), at=now)] if status == _CLOSED else []


def expired(out_trade_no: str, *, at: datetime) -> ProviderEvent:
    """Nobody paid in time, and nobody can any more."""
    return ProviderEvent(
        event_id=f"{out_trade_no}:{_CLOSED}",
        kind=EventKind.FAILED,
        payment_reference="",
        payment_key=out_trade_no,
        failure=FailureReason.EXPIRED,
        occurred_at=at,
        raw=json.dumps({"out_trade_no": out_trade_no}),
    )


def _read(fields: Mapping[str, str]) -> ProviderEvent | None:
    """What a notification tells of money; None for nothing. Raises one of UNREADABLE."""
    if fields.get("gmt_refund") and fields.get("out_biz_no"):
        return _refunded(fields)
    status = fields.get("trade_status")
    if status in PAID_STATES:
        return _captured(fields, at=moment(fields["gmt_payment"]))
    if status == _CLOSED and not fields.get("gmt_payment"):
        return expired(storable(fields["out_trade_no"]), at=moment(fields["notify_time"]))
    return None


def _captured(trade: Mapping[str, Any], *, at: datetime) -> ProviderEvent:
    return ProviderEvent(
        event_id=f"{storable(trade['trade_no'])}:TRADE_SUCCESS",
        kind=EventKind.CAPTURED,
        payment_reference="",
        payment_key=storable(trade["out_trade_no"]),
        capture_reference=storable(trade["trade_no"]),
        amount=parse_amount(trade["total_amount"], trade.get("trans_currency") or YUAN),
        occurred_at=at,
        raw=json.dumps(trade, ensure_ascii=False),
    )


def _refunded(fields: Mapping[str, str]) -> ProviderEvent:
    """A refund went through. `refund_fee` is the sum of all so far, so how much this one was is not told."""
    return ProviderEvent(
        event_id=f"{storable(fields['out_biz_no'])}:REFUND_SUCCESS",
        kind=EventKind.REFUNDED,
        payment_reference="",
        payment_key=storable(fields["out_trade_no"]),
        capture_reference=storable(fields["trade_no"]),
        refund_key=storable(fields["out_biz_no"]),
        # With fractions of a second, unlike everything else.
        occurred_at=moment(fields["gmt_refund"].partition(".")[0]),
        raw=json.dumps(fields, ensure_ascii=False),
    )
