# SPDX-License-Identifier: Apache-2.0
"""What merchants ask Alipay for, what payers do in its app, and what then happens by itself.

Everything here is called under the books' lock, and what changes them inside `change`.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tsuzuku.testing.simulators.alipay import objects
from tsuzuku.testing.simulators.alipay.keys import Keys
from tsuzuku.testing.simulators.alipay.wire import CHINA, AlipayRefusal, malformed
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks, shown
from tsuzuku.testing.simulators.wallets import Trouble

_NUMBER = re.compile(r"[0-9a-zA-Z_]{1,64}")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
_WHOLE = frozenset({"JPY", "KRW"})
_OPEN_MAX = timedelta(hours=2)
_SUBJECT_BYTES_MAX = 256


class RefundEnd(StrEnum):
    """How a refund goes."""

    DONE = "done"
    #: The merchant's account holds too little just now.
    NOT_ENOUGH = "not-enough"
    #: It is too late to give anything back.
    FINISHED = "finished"
    #: Answered as taken, with nothing changed; the next try does it.
    UNCLEAR = "unclear"


class Till:
    """The verbs, over the books. How late a late message is, is set by `late_seconds`."""

    def __init__(self, books: ObjectBooks) -> None:
        self._books = books
        self.late_seconds = 30.0
        #: How the next refunds go; they are done when it is empty.
        self.next_refunds: list[RefundEnd] = []

    # -- what merchants ask ------------------------------------------------------------------------------------------

    def precreate(self, fields: Json, *, url: str, now: datetime) -> Json:
        """A code for an order; the same one again for the same fields. Raises AlipayRefusal."""
        _check_order(fields)
        found = self._books.get(objects.trade_key(fields["out_trade_no"]))
        if found is None:
            found = objects.trade(fields, expires_at=_expires_at(fields, now=now))
            self._books.put(found)
        elif found["_asked"] != fields:
            raise AlipayRefusal("ACQ.CONTEXT_INCONSISTENT")
        elif found["trade_status"] == "TRADE_CLOSED":
            raise AlipayRefusal("ACQ.TRADE_HAS_CLOSE")
        elif found["trade_status"] == "TRADE_SUCCESS":
            raise AlipayRefusal("ACQ.TRADE_HAS_SUCCESS")
        return {"out_trade_no": found["out_trade_no"], "qr_code": f"{url}/{found['_code']}"}

    def query(self, fields: Json) -> Json:
        """A trade, which is there once its code was scanned. Raises AlipayRefusal."""
        return shown(self._trade(fields))

    def close(self, fields: Json, keys: Keys, *, now: datetime) -> Json:
        """Nobody can pay it any more. Raises AlipayRefusal."""
        found = self._trade(fields)
        if found["trade_status"] != "WAIT_BUYER_PAY":
            raise AlipayRefusal("ACQ.TRADE_STATUS_ERROR")
        self.end(found, keys, now=now)
        return {"trade_no": found["trade_no"], "out_trade_no": found["out_trade_no"]}

    def refund(self, fields: Json, keys: Keys, *, now: datetime) -> Json:
        """Gives a trade back or a part of it, at once; the same refund again changes nothing. Raises AlipayRefusal."""
        of = self._trade(fields)
        _check_refund(fields, of)
        known = self._books.get(objects.refund_key(of["trade_no"], fields["out_request_no"]))
        if known is not None:
            if known["_asked"] != fields:
                raise AlipayRefusal("ACQ.DISCORDANT_REPEAT_REQUEST")
            return self._refund_answer(of, is_change=False)
        refunded = Decimal(of["_refunded"]) + Decimal(fields["refund_amount"])
        if refunded > Decimal(of["total_amount"]):
            raise AlipayRefusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        match self.next_refunds.pop(0) if self.next_refunds else RefundEnd.DONE:
            case RefundEnd.NOT_ENOUGH:
                raise AlipayRefusal("ACQ.SELLER_BALANCE_NOT_ENOUGH")
            case RefundEnd.FINISHED:
                raise AlipayRefusal("ACQ.TRADE_HAS_FINISHED")
            case RefundEnd.UNCLEAR:
                return self._refund_answer(of, is_change=False)
        made = objects.refund(of, fields, now=now)
        of["_refunded"] = str(refunded)
        if refunded == Decimal(of["total_amount"]):
            of["trade_status"] = "TRADE_CLOSED"
        self._books.put(of)
        self._books.put(made)
        self._books.tell(objects.refund_notice(made, of, keys), deliver_at=[now])
        return self._refund_answer(of, is_change=True)

    def query_refund(self, fields: Json) -> Json:
        """A refund by its number; of one that is not there, nothing but that the question was understood."""
        of = self._trade(fields)
        return shown(self._books.get(objects.refund_key(of["trade_no"], fields.get("out_request_no"))) or {})

    # -- what payers do ----------------------------------------------------------------------------------------------

    def scan(self, found: Json, *, now: datetime) -> Json:
        """Makes the trade of a code, if it can still be paid and nobody has scanned it before."""
        if found["trade_status"] or "_due_at" not in found:
            return found
        changed = objects.scanned(found, now=now)
        self._books.put(changed)
        return changed

    def pay(
        self,
        found: Json,
        keys: Keys,
        *,
        now: datetime,
        trouble: Trouble = Trouble.NONE,
        total_amount: str = "",
        currency: str = "",
    ) -> None:
        """Pays a trade; nothing if it cannot be paid any more.

        Another amount and currency than was asked for may be taken, to see what the merchant makes of it.
        """
        found = self.scan(found, now=now)
        if found["trade_status"] != "WAIT_BUYER_PAY":
            return
        changed = objects.paid(
            found,
            total_amount=total_amount or found["total_amount"],
            currency=currency or found["trans_currency"],
            now=now,
        )
        self._books.put(changed)
        deliver_at: Sequence[datetime] = {
            Trouble.LATE: [now + timedelta(seconds=self.late_seconds)],
            Trouble.TWICE: [now, now],
            Trouble.LOST: [],
        }.get(trouble, [now])
        self._books.tell(objects.trade_notice(changed, keys, now=now), deliver_at=deliver_at)

    def decline(self, found: Json, reason: str, *, now: datetime) -> None:
        """The payer's app says no. The merchant never learns of it: the trade can still be paid."""
        found = self.scan(found, now=now)
        if found["trade_status"] == "WAIT_BUYER_PAY":
            self._books.put(found | {"_declines": [*found["_declines"], reason]})

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, keys: Keys, *, now: datetime) -> None:
        """Ends the codes and trades whose time has come."""
        for found in self._books.due(now=now):
            with self._books.change():
                self.end(found, keys, now=now)

    def end(self, found: Json, keys: Keys, *, now: datetime) -> None:
        """Nobody can pay it any more; of a code that nobody scanned Alipay knows nothing then either."""
        found.pop("_due_at", None)
        if found["trade_status"] == "WAIT_BUYER_PAY":
            found["trade_status"] = "TRADE_CLOSED"
            self._books.tell(objects.trade_notice(found, keys, now=now), deliver_at=[now])
        self._books.put(found)

    # -- how it is done ----------------------------------------------------------------------------------------------

    def _trade(self, fields: Json) -> Json:
        """The trade that fields name. Raises AlipayRefusal."""
        for each in self._books.objects.values():
            if not each.get("trade_status"):
                continue
            if "trade_no" in fields:
                if each["trade_no"] == fields["trade_no"]:
                    return dict(each)
            elif each["out_trade_no"] == fields.get("out_trade_no"):
                return dict(each)
        raise AlipayRefusal("ACQ.TRADE_NOT_EXIST")

    def _refund_answer(self, of: Json, *, is_change: bool) -> Json:
        return {
            "trade_no": of["trade_no"],
            "out_trade_no": of["out_trade_no"],
            "buyer_logon_id": of["buyer_logon_id"],
            "fund_change": "Y" if is_change else "N",
            "refund_fee": of["_refunded"],
        }


def _check_order(fields: Json) -> None:
    for name in ("out_trade_no", "subject", "total_amount"):
        if not (isinstance(fields.get(name), str) and fields[name]):
            raise malformed(name)
    if not _NUMBER.fullmatch(fields["out_trade_no"]):
        raise malformed("out_trade_no")
    if len(fields["subject"].encode()) > _SUBJECT_BYTES_MAX or set("/=&") & set(fields["subject"]):
        raise malformed("subject")
    amount = fields["total_amount"]
    if not _AMOUNT.fullmatch(amount) or Decimal(amount) <= 0:
        raise AlipayRefusal("ACQ.INVALID_PARAMETER")
    if fields.get("trans_currency") in _WHOLE and "." in amount:
        raise AlipayRefusal("ACQ.INVALID_PARAMETER")


def _check_refund(fields: Json, of: Json) -> None:
    if not _NUMBER.fullmatch(str(fields.get("out_request_no", ""))):
        raise malformed("out_request_no")
    if not _AMOUNT.fullmatch(str(fields.get("refund_amount", ""))):
        raise malformed("refund_amount")
    if "send_pay_date" not in of:
        raise AlipayRefusal("ACQ.TRADE_STATUS_ERROR")
    if fields.get("refund_currency", of["trans_currency"]) != of["trans_currency"]:
        raise AlipayRefusal("ACQ.INVALID_PARAMETER")


def _expires_at(fields: Json, *, now: datetime) -> datetime:
    """Until when a code is good: two hours at most."""
    if "time_expire" not in fields:
        return now + _OPEN_MAX
    try:
        expires_at = datetime.strptime(str(fields["time_expire"]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        raise malformed("time_expire") from None
    if expires_at <= now:
        raise malformed("time_expire")
    return min(expires_at, now + _OPEN_MAX)
