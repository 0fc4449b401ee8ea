# SPDX-License-Identifier: Apache-2.0
"""Trades, refunds and notifications as fields; names that begin with an underscore are the simulator's own."""

from datetime import datetime
from decimal import Decimal
from secrets import choice, randbelow, token_hex
from string import ascii_lowercase, digits

from tsuzuku.testing.simulators.alipay.keys import Keys
from tsuzuku.testing.simulators.alipay.wire import stamp
from tsuzuku.testing.simulators.object_books import Json

#: What a unit of the price costs the payer, in yuan.
_RATE = Decimal("0.048")
_PAYER = {"buyer_logon_id": "tra***@example.com", "buyer_user_id": "2088000000000000"}


def trade_key(out_trade_no: object) -> str:
    """Where a trade is in the books."""
    return f"trade:{out_trade_no}"


def refund_key(trade_no: object, out_request_no: object) -> str:
    """Where a refund is in the books."""
    return f"refund:{trade_no}:{out_request_no}"


def trade(fields: Json, *, expires_at: datetime) -> Json:
    """What a code stands for before anybody has scanned it."""
    return {
        "out_trade_no": fields["out_trade_no"],
        "total_amount": fields["total_amount"],
        "trans_currency": fields.get("trans_currency", "CNY"),
        "settle_currency": fields.get("settle_currency", "CNY"),
        "trade_status": "",
        "_id": trade_key(fields["out_trade_no"]),
        "_asked": fields,
        "_code": "bax" + "".join(choice(ascii_lowercase + digits) for _ in range(21)),
        "_declines": [],
        "_refunded": "0",
        "_due_at": expires_at.timestamp(),
    }


def scanned(of: Json, *, now: datetime) -> Json:
    """The trade that comes into being when a payer scans the code."""
    number = f"{stamp(now)[:10].replace('-', '')}2200{randbelow(10**16):016d}"
    return of | _PAYER | {"trade_no": number, "trade_status": "WAIT_BUYER_PAY", "_created_at": stamp(now)}


def paid(of: Json, *, total_amount: str, currency: str, now: datetime) -> Json:
    """A trade that was paid with so much."""
    yuan = max((Decimal(total_amount) * _RATE).quantize(Decimal("0.01")), Decimal("0.01"))
    changed = of | {
        "trade_status": "TRADE_SUCCESS",
        "total_amount": total_amount,
        "trans_currency": currency,
        "pay_currency": "CNY",
        "pay_amount": str(yuan),
        "trans_pay_rate": str(_RATE),
        "send_pay_date": stamp(now),
    }
    changed.pop("_due_at", None)
    return changed


def refund(of: Json, fields: Json, *, now: datetime) -> Json:
    """A refund that went through."""
    return {
        "trade_no": of["trade_no"],
        "out_trade_no": of["out_trade_no"],
        "out_request_no": fields["out_request_no"],
        "total_amount": of["total_amount"],
        "refund_amount": fields["refund_amount"],
        "refund_status": "REFUND_SUCCESS",
        "gmt_refund_pay": stamp(now),
        "_id": refund_key(of["trade_no"], fields["out_request_no"]),
        "_asked": fields,
    }


def trade_notice(of: Json, keys: Keys, *, now: datetime) -> Json:
    """The notification that a trade was paid or closed."""
    times = {"gmt_payment": of["send_pay_date"]} if "send_pay_date" in of else {"gmt_close": stamp(now)}
    return _notice(of, keys, **times)


def refund_notice(refund: Json, of: Json, keys: Keys) -> Json:
    """The notification that something of a trade went back; `refund_fee` is all that has so far."""
    return _notice(
        of,
        keys,
        gmt_payment=of["send_pay_date"],
        gmt_refund=f"{refund['gmt_refund_pay']}.000",
        out_biz_no=refund["out_request_no"],
        refund_fee=of["_refunded"],
    )


def other_notice(kind: str, keys: Keys) -> Json:
    """A notification that is about nothing of ours."""
    return {**_common(keys), "notify_type": kind}


def _notice(of: Json, keys: Keys, **more: str) -> Json:
    return {
        **_common(keys),
        "notify_type": "trade_status_sync",
        "trade_no": of["trade_no"],
        "out_trade_no": of["out_trade_no"],
        "trade_status": of["trade_status"],
        "total_amount": of["total_amount"],
        "trans_currency": of["trans_currency"],
        "settle_currency": of["settle_currency"],
        "subject": of["_asked"]["subject"],
        "body": of["_asked"].get("body", ""),
        "buyer_id": of["buyer_user_id"],
        "gmt_create": of["_created_at"],
        **more,
    }


def _common(keys: Keys) -> Json:
    """The id is told as `notify_id`, and is that under which the books keep what was told."""
    return {
        "id": f"{token_hex(16)}",
        "app_id": keys.app_id,
        "seller_id": keys.seller_id,
        "charset": "utf-8",
        "version": "1.0",
    }
