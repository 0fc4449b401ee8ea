# SPDX-License-Identifier: Apache-2.0
"""What merchants ask WeChat Pay for, what payers do in its app, and what then happens by itself.

Everything here is called under the books' lock, and what changes them inside `change`.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks
from tsuzuku.testing.simulators.wallets import Trouble
from tsuzuku.testing.simulators.wechat_pay import objects
from tsuzuku.testing.simulators.wechat_pay.wire import WeChatRefusal, missing

_ORDER_FIELDS = ("appid", "mchid", "description", "out_trade_no", "notify_url", "trade_type", "merchant_category_code")
_TRADE_NUMBER = re.compile(r"[0-9a-zA-Z_\-*]{1,32}")
_REFUND_NUMBER = re.compile(r"[0-9a-zA-Z_\-|*@]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_OPEN_MAX = timedelta(hours=2)
_DESCRIPTION_BYTES_MAX = 127


class RefundEnd(StrEnum):
    """How a refund goes."""

    #: Accepted now, done later.
    DONE = "done"
    AT_ONCE = "at-once"
    #: Accepted now; later it is found that nothing can go back that way, and the money waits for the merchant's word.
    ABNORMAL = "abnormal"
    #: Accepted now, called off later.
    CLOSED = "closed"
    #: Not accepted: the merchant's account holds too little just now.
    NOT_ENOUGH = "not-enough"


class Till:
    """The verbs, over the books. The pace of what is slow is set by `late_seconds` and `refund_seconds`."""

    def __init__(self, books: ObjectBooks, *, mchid: str) -> None:
        self._books = books
        self._mchid = mchid
        self.late_seconds = 30.0
        self.refund_seconds = 1.0
        #: How the next refunds go; they are done when it is empty.
        self.next_refunds: list[RefundEnd] = []

    # -- what merchants ask ------------------------------------------------------------------------------------------

    def create_order(self, fields: Json, *, now: datetime) -> Json:
        """An order to be paid by its code; the same one again for the same fields. Raises WeChatRefusal."""
        self._check_order(fields)
        found = self._books.get(objects.transaction_key(fields["out_trade_no"]))
        if found is None:
            found = objects.transaction(fields, expires_at=_expires_at(fields, now=now), now=now)
            self._books.put(found)
        elif found["_asked"] != fields:
            raise WeChatRefusal("INVALID_REQUEST", "201 The number is that of another order.")
        elif found["trade_state"] == "CLOSED":
            raise WeChatRefusal("ORDER_CLOSED", "The order is closed.")
        elif found["trade_state"] != "NOTPAY":
            raise WeChatRefusal("OUT_TRADE_NO_USED", "The number was used.", status=HTTPStatus.FORBIDDEN)
        return {"code_url": f"weixin://wxpay/bizpayurl?pr={found['_code']}"}

    def close_order(self, found: Json) -> None:
        """Nobody can pay it any more. Raises WeChatRefusal."""
        if found["trade_state"] not in {"NOTPAY", "CLOSED"}:
            raise WeChatRefusal("ORDERPAID", "The order was paid.")
        found |= {"trade_state": "CLOSED", "trade_state_desc": "订单已关闭"}
        found.pop("_due_at", None)
        self._books.put(found)

    def create_refund(self, fields: Json, *, now: datetime) -> Json:
        """Gives a transaction back or a part of it; the same refund again for the same fields. Raises WeChatRefusal."""
        number, asked = fields.get("out_refund_no"), fields.get("amount")
        if not (isinstance(number, str) and _REFUND_NUMBER.fullmatch(number)):
            raise missing("out_refund_no")
        if not (isinstance(asked, dict) and type(asked.get("refund")) is int and asked["refund"] > 0):
            raise missing("amount")
        of = self._transaction_to_refund(fields)
        known = self._books.get(objects.refund_key(number))
        if known is not None:
            if (known["transaction_id"], known["_asked"]) != (of["id"], asked):
                raise WeChatRefusal("INVALID_REQUEST", "The number is that of another refund.")
            return known
        if (asked.get("total"), asked.get("currency")) != (of["amount"]["total"], of["amount"]["currency"]):
            raise WeChatRefusal("INVALID_REQUEST", "The total or the currency is not that of the order.")
        if asked["refund"] > of["amount"]["total"] - of["_refunded"]:
            raise WeChatRefusal("INVALID_REQUEST", "More than is left of the order.")
        end = self.next_refunds.pop(0) if self.next_refunds else RefundEnd.DONE
        if end is RefundEnd.NOT_ENOUGH:
            raise WeChatRefusal("NOT_ENOUGH", "The balance is too low.", status=HTTPStatus.FORBIDDEN)
        made = objects.refund(of, fields, now=now)
        of |= {"_refunded": of["_refunded"] + asked["refund"], "trade_state": "REFUND", "trade_state_desc": "转入退款"}
        self._books.put(of)
        if end is RefundEnd.AT_ONCE:
            return self._end_refund(made | {"_end": "SUCCESS"}, now=now)
        status = {RefundEnd.ABNORMAL: "ABNORMAL", RefundEnd.CLOSED: "CLOSED"}.get(end, "SUCCESS")
        made |= {"_end": status, "_due_at": (now + timedelta(seconds=self.refund_seconds)).timestamp()}
        self._books.put(made)
        return made

    # -- what payers do ----------------------------------------------------------------------------------------------

    def pay(self, found: Json, *, now: datetime, trouble: Trouble = Trouble.NONE, amount: Json | None = None) -> None:
        """Pays an order; nothing if it cannot be paid any more.

        Another amount and currency than was asked for may be taken, to see what the merchant makes of it.
        """
        if found["trade_state"] != "NOTPAY":
            return
        changed = objects.paid(found, amount=found["amount"] | (amount or {}), now=now)
        self._books.put(changed)
        deliver_at: Sequence[datetime] = {
            Trouble.LATE: [now + timedelta(seconds=self.late_seconds)],
            Trouble.TWICE: [now, now],
            Trouble.LOST: [],
        }.get(trouble, [now])
        self._books.tell(objects.transaction_notice(changed, now=now), deliver_at=deliver_at)

    def decline(self, found: Json, reason: str) -> None:
        """The payer's app says no. The merchant never learns of it: the order can still be paid."""
        if found["trade_state"] == "NOTPAY":
            self._books.put(found | {"_declines": [*found["_declines"], reason]})

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, *, now: datetime) -> None:
        """Closes orders and ends refunds whose time has come."""
        for found in self._books.due(now=now):
            with self._books.change():
                if "out_refund_no" in found:
                    self._end_refund(found, now=now)
                else:
                    self.close_order(found)

    def end_refunds(self, *, now: datetime) -> None:
        """Ends at once the refunds that are under way."""
        for refund in [dict(each) for each in self._books.objects.values() if each.get("status") == "PROCESSING"]:
            with self._books.change():
                self._end_refund(refund, now=now)

    # -- how it is done ----------------------------------------------------------------------------------------------

    def _end_refund(self, refund: Json, *, now: datetime) -> Json:
        refund["status"] = refund.pop("_end")
        refund.pop("_due_at", None)
        of = self._books.get(objects.transaction_key(refund["out_trade_no"])) or {}
        if refund["status"] == "SUCCESS":
            refund["success_time"] = objects.stamp(now)
        if refund["status"] == "CLOSED":
            of["_refunded"] -= refund["amount"]["refund"]
            self._books.put(of)
        self._books.put(refund)
        self._books.tell(objects.refund_notice(refund, of, now=now), deliver_at=[now])
        return refund

    def _transaction_to_refund(self, fields: Json) -> Json:
        for each in self._books.objects.values():
            is_meant = fields.get("transaction_id", "") == each.get("id") and "trade_state" in each
            if is_meant or ("transaction_id" not in fields and fields.get("out_trade_no") == each.get("out_trade_no")):
                return dict(each)
        raise WeChatRefusal("RESOURCE_NOT_EXISTS", "There is no such order.", status=HTTPStatus.NOT_FOUND)

    def _check_order(self, fields: Json) -> None:
        for name in _ORDER_FIELDS:
            if not (isinstance(fields.get(name), str) and fields[name]):
                raise missing(name)
        if fields["mchid"] != self._mchid:
            raise WeChatRefusal("APPID_MCHID_NOT_MATCH", "Not of this merchant.")
        if fields["trade_type"] != "NATIVE":
            raise missing("trade_type")
        if not _TRADE_NUMBER.fullmatch(fields["out_trade_no"]):
            raise missing("out_trade_no")
        if len(fields["description"].encode()) > _DESCRIPTION_BYTES_MAX:
            raise missing("description")
        if not is_webhook_url(fields["notify_url"]) or "?" in fields["notify_url"]:
            raise missing("notify_url")
        amount = fields.get("amount")
        if not (isinstance(amount, dict) and type(amount.get("total")) is int and amount["total"] > 0):
            raise missing("amount.total")
        if not _CURRENCY.fullmatch(str(amount.get("currency"))):
            raise missing("amount.currency")


def _expires_at(fields: Json, *, now: datetime) -> datetime:
    """Until when a code is good: two hours at most."""
    if "time_expire" not in fields:
        return now + _OPEN_MAX
    try:
        expires_at = datetime.fromisoformat(str(fields["time_expire"]))
        if expires_at <= now:
            raise missing("time_expire")
    except (TypeError, ValueError):
        raise missing("time_expire") from None
    return min(expires_at, now + _OPEN_MAX)
