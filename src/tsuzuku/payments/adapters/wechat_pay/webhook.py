# SPDX-License-Identifier: Apache-2.0
"""Reads what WeChat Pay tells: verify the raw bytes, decrypt, then parse by a table that has UNKNOWN."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.storable import storable
from tsuzuku.payments.adapters.wechat_pay.config import Merchant
from tsuzuku.payments.adapters.wechat_pay.signing import Forged, Stale, check, decrypted
from tsuzuku.payments.ports import EventKind, FailureReason, ProviderEvent, WebhookForged, WebhookStale

#: What reading raises over a body that is no notification.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)

#: Once money was given back, the state is no longer SUCCESS.
PAID_STATES = frozenset({"SUCCESS", "REFUND"})
_ENDS = {"CLOSED": FailureReason.EXPIRED, "REVOKED": FailureReason.EXPIRED, "PAYERROR": FailureReason.REFUSED}
#: ABNORMAL: the payer's card or account takes nothing any more, and a person must find another way.
_REFUND_ENDS = {
    "SUCCESS": EventKind.REFUNDED,
    "ABNORMAL": EventKind.REFUND_FAILED,
    "CLOSED": EventKind.REFUND_FAILED,
}


def verify(*, headers: Mapping[str, str], body: bytes, merchant: Merchant, now: datetime) -> None:
    """Passes if WeChat Pay signed the body, not long ago. Raises WebhookForged or WebhookStale."""
    try:
        check(headers=headers, body=body, platform_keys=merchant.platform_keys, now=now)
    except Forged:
        raise WebhookForged from None
    except Stale:
        raise WebhookStale from None


def parse_body(body: bytes, *, merchant: Merchant, now: datetime) -> ProviderEvent:
    """The event of a genuine body, which may be one that nobody can read, or about another merchant."""
    try:
        told = json.loads(body)
        event_id, occurred_at = storable(told["id"]), _moment(told["create_time"])
        about = json.loads(decrypted(told["resource"], api_v3_key=merchant.api_v3_key))
        read = _READERS.get(told["event_type"])
        event = None if read is None or about.get("mchid") != merchant.mchid else read(about)
        # The body is encrypted, and kept so it would tell nobody anything.
        raw = json.dumps({**told, "resource": about}, ensure_ascii=False)
        if event is None:
            return ProviderEvent(
                event_id=event_id, kind=EventKind.UNKNOWN, payment_reference="", occurred_at=occurred_at, raw=raw
            )
        return replace(event, event_id=event_id, raw=raw)
    except UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def read_transaction(transaction: Mapping[str, Any], *, now: datetime) -> list[ProviderEvent]:
    """What a transaction tells when it is asked about: that it is paid, or cannot be any more. Raises UNREADABLE."""
    state = transaction["trade_state"]
    if state in PAID_STATES:
        return [_captured(transaction)]
    if state not in _ENDS:
        return []
    reference = storable(transaction["out_trade_no"])
    return [
        ProviderEvent(
            event_id=f"{reference}:{state}",
            kind=EventKind.FAILED,
            payment_reference=reference,
            failure=_ENDS[state],
            # They do not tell when it was closed.
            occurred_at=now,
            raw=json.dumps(transaction, ensure_ascii=False),
        )
    ]


def read_refunds(listed: Mapping[str, Any]) -> list[ProviderEvent]:
    """How the refunds of a transaction ended that have. Raises one of UNREADABLE."""
    of = {"out_trade_no": listed["out_trade_no"], "transaction_id": listed["id"]}
    events = (_refund_ended({**of, **refund}) for refund in listed["data"])
    return [event for event in events if event is not None]


def money(amount: object, currency: str) -> Money:
    """WeChat Pay counts in the smallest unit too. Raises one of UNREADABLE."""
    if type(amount) is not int or not 0 < amount < 2**63:
        raise ValueError("an amount that nobody can pay")
    return Money(amount, currency)


def _captured(transaction: Mapping[str, Any]) -> ProviderEvent:
    amount = transaction["amount"]
    return ProviderEvent(
        event_id=f"{storable(transaction['id'])}:SUCCESS",
        kind=EventKind.CAPTURED,
        payment_reference=storable(transaction["out_trade_no"]),
        capture_reference=storable(transaction["id"]),
        amount=money(amount["total"], amount["currency"]),
        occurred_at=_moment(transaction["success_time"]),
        raw=json.dumps(transaction, ensure_ascii=False),
    )


def _told_of_capture(transaction: Mapping[str, Any]) -> ProviderEvent | None:
    return _captured(transaction) if transaction["trade_state"] in PAID_STATES else None


def _refund_ended(refund: Mapping[str, Any]) -> ProviderEvent | None:
    """How a refund ended; None while it is on its way. Told and asked, some of its names differ."""
    status = refund["status"] if "status" in refund else refund["refund_status"]
    kind = _REFUND_ENDS.get(status)
    if kind is None:
        return None
    amount, refund_id = refund["amount"], storable(refund["id"] if "id" in refund else refund["refund_id"])
    return ProviderEvent(
        event_id=f"{refund_id}:{status}",
        kind=kind,
        payment_reference=storable(refund["out_trade_no"]),
        capture_reference=storable(refund["transaction_id"]),
        refund_key=storable(refund["out_refund_no"]),
        amount=money(amount["refund"], amount["currency"]),
        occurred_at=_moment(refund.get("success_time") or refund["create_time"]),
        raw=json.dumps(refund, ensure_ascii=False),
    )


#: The kinds of notifications that tell something of money.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], ProviderEvent | None]] = {
    "TRANSACTION.SUCCESS": _told_of_capture,
    "REFUND.SUCCESS": _refund_ended,
    "REFUND.ABNORMAL": _refund_ended,
    "REFUND.CLOSED": _refund_ended,
}


def _moment(text: str) -> datetime:
    """A moment with its offset from UTC. Raises one of UNREADABLE."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a moment without an offset")
    return found
