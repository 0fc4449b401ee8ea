# SPDX-License-Identifier: Apache-2.0
"""What merchants ask PayPal for, what payers do on its page, and what then happens by itself.

Everything here is called under the books' lock, and what changes them inside `change`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus

from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks
from tsuzuku.testing.simulators.paypal import objects
from tsuzuku.testing.simulators.paypal.funding import DECLINED_CAPTURES, REFUSALS, Funding, RefundEnd, Trouble
from tsuzuku.testing.simulators.paypal.wire import PayPalRefusal, missing, moment, not_found, parse_amount

#: An order that nobody agreed to ends after this.
ORDER_LIVES = timedelta(hours=3)
#: By how much the first message comes last when they arrive out of order.
_OUT_OF_ORDER = timedelta(seconds=3)
_TEXT_CHARACTERS_MAX = 127


class Till:
    """The verbs, over the books. `late_seconds`, `review_seconds` and `refund_seconds` set the pace of what is slow."""

    def __init__(self, books: ObjectBooks) -> None:
        self._books = books
        self.url = ""
        self.late_seconds = 30.0
        self.review_seconds = 5.0
        self.refund_seconds = 1.0
        #: How refunds go, and how the next ones go if they differ.
        self.refund_end = RefundEnd.AT_ONCE
        self.next_refunds: list[RefundEnd] = []

    # -- what merchants ask ------------------------------------------------------------------------------------------

    def shown(self, order: Json) -> Json:
        """An order as its merchant sees it."""
        captures = self._books.of(order["id"], "capture")
        refunds = [refund for capture in captures for refund in self._books.of(capture["id"], "refund")]
        return objects.shown_order(order, captures, refunds, url=self.url)

    def create_order(self, fields: Json, *, now: datetime) -> Json:
        """An order. Raises PayPalRefusal."""
        if fields.get("intent") != "CAPTURE":
            raise PayPalRefusal("INVALID_PARAMETER_VALUE", "This simulator knows only CAPTURE.")
        units = fields.get("purchase_units")
        if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
            raise missing("purchase_units")
        parse_amount(units[0].get("amount"))
        for name in ("custom_id", "invoice_id", "description"):
            if not isinstance(units[0].get(name, ""), str) or len(units[0].get(name, "")) > _TEXT_CHARACTERS_MAX:
                raise PayPalRefusal("INVALID_STRING_LENGTH", f"{name} is too long.", status=HTTPStatus.BAD_REQUEST)
        context = (fields.get("payment_source") or {}).get("paypal", {}).get("experience_context", {})
        for name in ("return_url", "cancel_url"):
            if not is_webhook_url(context.get(name, "")):
                raise missing(name)
        made = objects.order(fields, now=now, due_at=now + ORDER_LIVES)
        self._books.put(made)
        return made

    def capture(self, order: Json, *, now: datetime) -> Json:
        """Takes the money of an order whose payer has agreed. Raises PayPalRefusal."""
        if order["status"] == "COMPLETED":
            raise PayPalRefusal("ORDER_ALREADY_CAPTURED", "Order already captured.")
        if order["status"] != "APPROVED":
            raise PayPalRefusal("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
        funding = Funding(order["_funding"])
        if funding in REFUSALS:
            # What was declined stays so until the payer chooses something else; the order shows it to them.
            raise PayPalRefusal(funding.value, REFUSALS[funding], is_kept=True)
        status = {
            Funding.BANK_AWAY: "DECLINED",
            Funding.BANK_EMPTY: "DECLINED",
            Funding.REVIEWED: "PENDING",
            Funding.REVIEWED_IN_VAIN: "PENDING",
        }.get(funding, "COMPLETED")
        currency, value = parse_amount(order.get("_taken") or order["_unit"]["amount"])
        made = objects.capture(order, currency=currency, value=value, status=status, url=self.url, now=now)
        if funding in DECLINED_CAPTURES:
            made["processor_response"] = {"response_code": funding.value}
        if status == "PENDING":
            end = "COMPLETED" if funding is Funding.REVIEWED else "DECLINED"
            later = now + timedelta(seconds=self.review_seconds)
            made |= {"status_details": {"reason": "PENDING_REVIEW"}, "_end": end, "_due_at": later.timestamp()}
        order |= {"status": "COMPLETED", "update_time": moment(now)}
        order.pop("_due_at", None)
        self._books.put(order)
        self._books.put(made)
        self._tell_of(order, f"PAYMENT.CAPTURE.{status}", "capture", made, now=now)
        return order

    def mark_declined(self, order: Json, issue: str) -> None:
        """Keeps why the last capture of an order was refused, for its page."""
        self._books.put({**order, "_declined": issue})

    def refund(self, capture: Json, fields: Json, *, now: datetime) -> Json:
        """Gives a capture back, or a part of it. Raises PayPalRefusal."""
        if capture["status"] not in {"COMPLETED", "PARTIALLY_REFUNDED"}:
            raise PayPalRefusal("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
        currency, taken = parse_amount(capture["amount"])
        left = taken - self._returned(capture)
        value = left
        if "amount" in fields:
            asked, value = parse_amount(fields["amount"])
            if asked != currency:
                raise PayPalRefusal(
                    "REFUND_CAPTURE_CURRENCY_MISMATCH", "Refund must be in the same currency as the capture."
                )
        if value > left:
            raise PayPalRefusal(
                "REFUND_AMOUNT_EXCEEDED", "The refund amount must be at most what has not yet been refunded."
            )
        end = self.next_refunds.pop(0) if self.next_refunds else self.refund_end
        status = "COMPLETED" if end is RefundEnd.AT_ONCE else "PENDING"
        made = objects.refund(capture, fields, currency=currency, value=value, status=status, url=self.url, now=now)
        if status == "PENDING":
            later = now + timedelta(seconds=self.refund_seconds)
            end_status = "COMPLETED" if end is RefundEnd.DONE else "FAILED"
            made |= {"status_details": {"reason": "ECHECK"}, "_end": end_status, "_due_at": later.timestamp()}
        self._books.put(made)
        self._count_refunds(capture, now=now)
        if status == "COMPLETED":
            self._tell("PAYMENT.CAPTURE.REFUNDED", "refund", made, deliver_at=[now], now=now)
        return made

    # -- what payers do ----------------------------------------------------------------------------------------------

    def approve(
        self,
        order: Json,
        funding: Funding,
        *,
        trouble: Trouble = Trouble.NONE,
        taken: Json | None = None,
        now: datetime,
    ) -> None:
        """Agrees to pay; nothing if nobody can any more, or has already and was not declined.

        Another amount than was asked for may be taken later, to see what the merchant makes of it.
        """
        if order["status"] != "PAYER_ACTION_REQUIRED" and not order["_declined"]:
            return
        # A second later than before, so that this agreement can be told from the last one.
        at = max(now, datetime.fromisoformat(order["update_time"]) + timedelta(seconds=1))
        order |= {
            "status": "APPROVED",
            "update_time": moment(at),
            "_funding": funding.value,
            "_declined": "",
            "_trouble": trouble.value,
        }
        if taken:
            order["_taken"] = taken
        self._books.put(order)
        resource = {**self.shown(order), "_kind": "order"}
        self._tell_of(order, "CHECKOUT.ORDER.APPROVED", "checkout-order", resource, now=now)

    def dispute(self, capture: Json, *, reason: str, now: datetime) -> Json:
        """Complains of a capture to PayPal, or to the bank."""
        made = objects.dispute(capture, reason=reason, now=now)
        self._books.put(made)
        self._tell("CUSTOMER.DISPUTE.CREATED", "dispute", made, deliver_at=[now], now=now)
        return made

    def resolve(self, dispute: Json, *, outcome: str, now: datetime) -> None:
        """Ends a dispute, in one of PayPal's words; what the payer wins goes back to them."""
        dispute |= {"status": "RESOLVED", "dispute_outcome": {"outcome_code": outcome}, "update_time": moment(now)}
        self._books.put(dispute)
        capture = self._books.get(dispute["_of"])
        if outcome == "RESOLVED_BUYER_FAVOUR" and capture is not None:
            currency, value = parse_amount(dispute["dispute_amount"])
            fields = {"note_to_payer": "Payment reversed"}
            made = objects.refund(
                capture, fields, currency=currency, value=value, status="COMPLETED", url=self.url, now=now
            )
            self._books.put(made)
            self._count_refunds(capture, now=now)
            self._tell("PAYMENT.CAPTURE.REVERSED", "refund", made, deliver_at=[now], now=now)
        self._tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute, deliver_at=[now], now=now)

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, *, now: datetime) -> None:
        """Ends orders, reviews and refunds whose time has come."""
        for found in self._books.due(now=now):
            with self._books.change():
                self._end(found, now=now)

    def end_refunds(self, *, now: datetime) -> None:
        """Ends at once the refunds that are under way."""
        for found in [dict(each) for each in self._books.objects.values() if "_due_at" in each]:
            if found["_kind"] == "refund":
                with self._books.change():
                    self._end(found, now=now)

    def expire(self, order: Json) -> None:
        """Ends an order: PayPal then knows nothing of it any more."""
        self._books.put({name: value for name, value in order.items() if name != "_due_at"} | {"_is_gone": True})

    # -- how it is done ----------------------------------------------------------------------------------------------

    def _end(self, found: Json, *, now: datetime) -> None:
        if found["_kind"] == "order":
            self.expire(found)
            return
        found |= {"status": found.pop("_end"), "update_time": moment(now)}
        del found["_due_at"], found["status_details"]
        self._books.put(found)
        if found["_kind"] == "capture":
            order = self._books.get(found["_of"])
            if order is None:
                raise not_found()
            self._tell_of(order, f"PAYMENT.CAPTURE.{found['status']}", "capture", found, now=now)
            return
        capture = self._books.get(found["_of"])
        if capture is not None:
            self._count_refunds(capture, now=now)
        if found["status"] == "COMPLETED":  # PayPal has no event for a refund that failed.
            self._tell("PAYMENT.CAPTURE.REFUNDED", "refund", found, deliver_at=[now], now=now)

    def _returned(self, capture: Json) -> Decimal:
        """What of a capture has gone back, or is on its way."""
        refunds = self._books.of(capture["id"], "refund")
        return sum((Decimal(each["amount"]["value"]) for each in refunds if each["status"] != "FAILED"), Decimal(0))

    def _count_refunds(self, capture: Json, *, now: datetime) -> None:
        returned, taken = self._returned(capture), Decimal(capture["amount"]["value"])
        status = "REFUNDED" if returned >= taken else "PARTIALLY_REFUNDED" if returned else "COMPLETED"
        self._books.put({**capture, "status": status, "update_time": moment(now)})

    def _tell_of(self, order: Json, kind: str, resource_type: str, resource: Json, *, now: datetime) -> None:
        """Tells something of an order, with the trouble that its payer chose."""
        is_agreement = kind == "CHECKOUT.ORDER.APPROVED"
        deliver_at: Sequence[datetime] = [now]
        match Trouble(order["_trouble"]):
            case Trouble.LATE:
                deliver_at = [now + timedelta(seconds=self.late_seconds)]
            case Trouble.TWICE:
                deliver_at = [now, now]
            case Trouble.OUT_OF_ORDER if is_agreement:
                deliver_at = [now + _OUT_OF_ORDER]
            case Trouble.LOST:
                deliver_at = []
        self._tell(kind, resource_type, resource, deliver_at=deliver_at, now=now)

    def _tell(
        self, kind: str, resource_type: str, resource: Json, *, deliver_at: Sequence[datetime], now: datetime
    ) -> None:
        self._books.tell(objects.event(kind, resource_type, resource, url=self.url, now=now), deliver_at=deliver_at)
