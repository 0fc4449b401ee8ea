# SPDX-License-Identifier: Apache-2.0
"""Transactions, refunds and notifications as JSON."""

from datetime import datetime, timedelta, timezone
from secrets import choice, randbelow, token_hex
from string import ascii_letters, digits

from tsuzuku.testing.simulators.object_books import Json, shown

_CHINA = timezone(timedelta(hours=8))
#: What a unit of the price costs the payer, in hundredths of a yuan: about what a yen did in 2026.
_RATE = 4.8
_SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}


def transaction_key(out_trade_no: object) -> str:
    """Where a transaction is in the books."""
    return f"transaction:{out_trade_no}"


def refund_key(out_refund_no: object) -> str:
    """Where a refund is in the books."""
    return f"refund:{out_refund_no}"


def transaction(fields: Json, *, expires_at: datetime, now: datetime) -> Json:
    """An order that nobody has paid."""
    return {
        "appid": fields["appid"],
        "mchid": fields["mchid"],
        "out_trade_no": fields["out_trade_no"],
        "trade_type": "NATIVE",
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "attach": fields.get("attach", ""),
        "amount": {"total": fields["amount"]["total"], "currency": fields["amount"]["currency"]},
        "_id": transaction_key(fields["out_trade_no"]),
        "_asked": fields,
        "_code": "".join(choice(ascii_letters + digits) for _ in range(9)),
        "_created_at": stamp(now),
        "_declines": [],
        "_refunded": 0,
        "_due_at": expires_at.timestamp(),
    }


def paid(of: Json, *, amount: Json, now: datetime) -> Json:
    """An order that was paid with so much."""
    changed = of | {
        "id": f"4200{randbelow(10**24):024d}",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": stamp(now),
        "payer": {"openid": f"o{token_hex(13)}"},
        "amount": {**amount, **_in_yuan("payer_total", amount["total"])},
    }
    changed.pop("_due_at", None)
    return changed


def refund(of: Json, fields: Json, *, now: datetime) -> Json:
    """A refund of a transaction that is on its way."""
    amount = fields["amount"]
    return {
        "id": f"5030{randbelow(10**24):024d}",
        "out_refund_no": fields["out_refund_no"],
        "transaction_id": of["id"],
        "out_trade_no": of["out_trade_no"],
        "channel": "ORIGINAL",
        "recv_account": "支付用户零钱",
        "fund_source": "REFUND_SOURCE_UNSETTLED_FUNDS",
        "create_time": stamp(now),
        "status": "PROCESSING",
        "amount": {
            "refund": amount["refund"],
            "currency": amount["currency"],
            **_in_yuan("payer_refund", amount["refund"]),
        },
        "_id": refund_key(fields["out_refund_no"]),
        "_asked": amount,
    }


def transaction_notice(of: Json, *, now: datetime) -> Json:
    """The notification that an order was paid."""
    return _notice("TRANSACTION.SUCCESS", shown(of), "transaction", now=now)


def refund_notice(refund: Json, of: Json, *, now: datetime) -> Json:
    """The notification of how a refund ended, in which some names are others than in answers."""
    about = {
        "mchid": of["mchid"],
        "out_trade_no": refund["out_trade_no"],
        "transaction_id": refund["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["id"],
        "refund_status": refund["status"],
        "success_time": refund.get("success_time", stamp(now)),
        "user_received_account": refund["recv_account"],
        "amount": {"total": of["amount"]["total"], **refund["amount"]},
    }
    return _notice(f"REFUND.{refund['status']}", about, "refund", now=now)


def other_notice(kind: str, mchid: str, *, now: datetime) -> Json:
    """A notification that is about nothing of ours."""
    return _notice(kind, {"mchid": mchid}, "other", now=now)


def listed(of: Json, refunds: list[Json], *, offset: int, count: int) -> Json:
    """The refunds of a transaction, newest first, as far as they were asked for."""
    page = list(reversed(refunds))[offset : offset + count]
    return {
        "id": of["id"],
        "mchid": of["mchid"],
        "out_trade_no": of["out_trade_no"],
        "amount": of["amount"],
        "total_num": len(refunds),
        "current_total_num": len(page),
        "data": [
            {name: value for name, value in shown(each).items() if name not in {"transaction_id", "out_trade_no"}}
            for each in page
        ],
    }


def stamp(moment: datetime) -> str:
    """A moment as WeChat Pay writes it."""
    return moment.astimezone(_CHINA).replace(microsecond=0).isoformat()


def _notice(kind: str, resource: Json, original_type: str, *, now: datetime) -> Json:
    return {
        "id": f"{token_hex(4)}-{token_hex(2)}-5{token_hex(2)[1:]}-a{token_hex(2)[1:]}-{token_hex(6)}",
        "create_time": stamp(now),
        "resource_type": "encrypt-resource",
        "event_type": kind,
        "summary": _SUMMARIES.get(kind, kind),
        "resource": resource,
        "_original_type": original_type,
    }


def _in_yuan(name: str, amount: int) -> Json:
    return {
        name: max(round(amount * _RATE), 1),
        "payer_currency": "CNY",
        "exchange_rate": {"type": "SETTLEMENT_RATE", "rate": round(_RATE * 10**6)},
    }
