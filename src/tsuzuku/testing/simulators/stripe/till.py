# SPDX-License-Identifier: Apache-2.0
"""What merchants ask Stripe for, what payers do on its pages, and what then happens by itself.

Everything here is called under the books' lock, and what changes them inside `change`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.stripe import objects
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.cards import NOT_AUTHENTICATED, NOT_AUTHORIZED, Card, Decline, RefundEnd
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.wire import StripeRefusal, check_known, integer, missing, no_such

METHODS = frozenset({"card", "alipay", "wechat_pay", "paypay"})
_SESSION_PARAMS = frozenset(
    {
        "adaptive_pricing",
        "allowed_payment_method_types",
        "cancel_url",
        "client_reference_id",
        "expand",
        "expires_at",
        "line_items",
        "locale",
        "metadata",
        "mode",
        "payment_intent_data",
        "payment_method_options",
        "success_url",
    }
)
_REFUND_PARAMS = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"})
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=30), timedelta(hours=24)
_AMOUNT_MIN, _AMOUNT_MAX = 50, 99_999_999
#: By how much the first event comes last when webhooks arrive out of order.
_OUT_OF_ORDER = timedelta(seconds=3)


class Trouble(StrEnum):
    """What goes wrong on the way to the merchant."""

    NONE = "none"
    LATE = "late"
    TWICE = "twice"
    #: A try that was declined before is told after the one that paid.
    OUT_OF_ORDER = "out-of-order"
    #: Told to nobody, as when an endpoint was switched off.
    LOST = "lost"


class Till:
    """The verbs, over the books. The pace of what is slow is set by `late_seconds` and `refund_seconds`."""

    def __init__(self, books: StripeBooks) -> None:
        self._books = books
        self.late_seconds = 30.0
        self.refund_seconds = 1.0
        #: How the next refunds go; as their card says when it is empty.
        self.next_refunds: list[RefundEnd] = []

    # -- what merchants ask ------------------------------------------------------------------------------------------

    def create_session(self, fields: Json, *, url: str, now: datetime) -> Json:
        """A Checkout Session. Raises StripeRefusal."""
        check_known(fields, _SESSION_PARAMS)
        if fields.get("mode") != "payment":
            raise StripeRefusal("This simulator knows only mode=payment.", param="mode")
        name, amount, currency = _line_item(fields)
        methods = fields.get("allowed_payment_method_types", ["card"])
        if unknown := [method for method in methods if method not in METHODS]:
            raise StripeRefusal(f"No valid payment method types: {unknown[0]}", param="allowed_payment_method_types")
        client = fields.get("payment_method_options", {}).get("wechat_pay", {}).get("client")
        if "wechat_pay" in methods and client != "web":
            raise missing("payment_method_options[wechat_pay][client]")
        for param in ("success_url", "cancel_url"):
            if not is_webhook_url(fields.get(param, "")):
                raise StripeRefusal("Not a valid URL", code="url_invalid", param=param)
        made = objects.session(
            fields,
            name=name,
            amount=amount,
            currency=currency,
            expires_at=_expires_at(fields, now=now),
            url=url,
            now=now,
        )
        self._books.put(made)
        return made

    def expire_session(self, found: Json, *, now: datetime) -> Json:
        """Closes a session that nobody has paid. Raises StripeRefusal."""
        if found["status"] != "open":
            raise StripeRefusal(
                f'Only Checkout Sessions with a status in ["open"] can be expired; it is {found["status"]}'
            )
        return self._expire(found, now=now)

    def create_refund(self, fields: Json, *, now: datetime) -> Json:
        """Gives a charge back, or a part of it. Raises StripeRefusal."""
        check_known(fields, _REFUND_PARAMS)
        charge = self._charge_to_refund(fields)
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = integer(fields, "amount", param="amount") if "amount" in fields else left
        if left == 0:
            raise StripeRefusal(
                f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", is_kept=True
            )
        if amount > left:
            raise StripeRefusal(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                param="amount",
                is_kept=True,
            )
        end = self.next_refunds.pop(0) if self.next_refunds else RefundEnd(charge["_refund_end"])
        status = "succeeded" if end in {RefundEnd.AT_ONCE, RefundEnd.RETURNED} else "pending"
        made = objects.refund(charge, amount=amount, metadata=fields.get("metadata", {}), status=status, now=now)
        if end is not RefundEnd.AT_ONCE:
            later = now + timedelta(seconds=self.refund_seconds)
            made |= {"_end": "succeeded" if end is RefundEnd.DONE else "failed", "_due_at": later.timestamp()}
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._books.put(charge)
        self._books.put(made)
        for kind, about in (("refund.created", made), ("charge.refunded", charge)):
            self._books.tell(kind, about, deliver_at=[now], now=now)
        return made

    # -- what payers do ----------------------------------------------------------------------------------------------

    def pay(
        self,
        found: Json,
        card: Card | None,
        *,
        now: datetime,
        trouble: Trouble = Trouble.NONE,
        taken: Json | None = None,
    ) -> None:
        """Tries a card, or the session's own method where that is no card; nothing if the session is not open.

        Another amount and currency than was asked for may be taken, to see what the merchant makes of it.
        """
        if found["status"] != "open":
            return
        if card is not None and card.asks:
            intent = self._intent(found, now=now)
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
            intent |= {"status": "requires_action", "next_action": action, "_card": card.number}
            self._books.put(intent)
            self._books.tell("payment_intent.requires_action", intent, deliver_at=[now], now=now)
        elif card is not None and card.decline is not None:
            self._decline(found, card, card.decline, deliver_at=[now], now=now)
        else:
            self._succeed(found, card, trouble=trouble, taken=taken or {}, now=now)

    def answer_bank(self, found: Json, card: Card, *, is_me: bool, now: datetime) -> None:
        """What the payer told the bank that asked (3-D Secure)."""
        intent = self._books.get(found["payment_intent"])
        if found["status"] != "open" or intent is None or intent["status"] != "requires_action":
            return
        if is_me:
            self._succeed(found, card, trouble=Trouble.NONE, taken={}, now=now)
        else:
            self._decline(found, card, NOT_AUTHENTICATED, deliver_at=[now], now=now)

    def refuse(self, found: Json, *, now: datetime) -> None:
        """Says no on the page of a method that is no card."""
        if found["status"] == "open":
            self._decline(found, None, NOT_AUTHORIZED, deliver_at=[now], now=now)

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, *, now: datetime) -> None:
        """Closes sessions and ends refunds whose time has come."""
        for found in self._books.due(now=now):
            with self._books.change():
                if found["object"] == "refund":
                    self._end_refund(found, now=now)
                else:
                    self._expire(found, now=now)

    def end_refunds(self, *, now: datetime) -> None:
        """Ends at once the refunds that are under way."""
        for refund_id in [each for each in self._books.waiting if each.startswith("re_")]:
            refund = self._books.get(refund_id)
            if refund is not None:
                with self._books.change():
                    self._end_refund(refund, now=now)

    # -- how it is done ----------------------------------------------------------------------------------------------

    def _intent(self, found: Json, *, now: datetime) -> Json:
        """The PaymentIntent of a session, made when there is none."""
        intent = self._books.get(found["payment_intent"])
        if intent is None:
            intent = objects.payment_intent(found, now=now)
            found["payment_intent"] = intent["id"]
            self._books.put(found)
            self._books.tell("payment_intent.created", intent, deliver_at=[now], now=now)
        return intent

    def _decline(
        self, found: Json, card: Card | None, decline: Decline, *, deliver_at: Sequence[datetime], now: datetime
    ) -> None:
        intent = self._intent(found, now=now)
        charge = objects.charge(intent, card, decline=decline, now=now)
        intent |= {
            "status": "requires_payment_method",
            "latest_charge": charge["id"],
            "last_payment_error": objects.payment_error(decline, charge["id"]),
            "next_action": None,
        }
        self._books.put(charge)
        self._books.put(intent)
        self._books.tell("charge.failed", charge, deliver_at=deliver_at, now=now)
        self._books.tell("payment_intent.payment_failed", intent, deliver_at=deliver_at, now=now)

    def _succeed(self, found: Json, card: Card | None, *, trouble: Trouble, taken: Json, now: datetime) -> None:
        if trouble is Trouble.OUT_OF_ORDER:
            refused = Decline(code="card_declined", decline_code="generic_decline", message="Your card was declined.")
            self._decline(found, card, refused, deliver_at=[now + _OUT_OF_ORDER], now=now)
        deliver_at = {
            Trouble.LATE: [now + timedelta(seconds=self.late_seconds)],
            Trouble.TWICE: [now, now],
            Trouble.LOST: [],
        }.get(trouble, [now])
        intent = self._intent(found, now=now) | taken
        charge = objects.charge(intent, card, decline=None, now=now)
        intent |= {
            "amount_received": intent["amount"],
            "status": "succeeded",
            "latest_charge": charge["id"],
            "last_payment_error": None,
            "next_action": None,
        }
        found |= {"status": "complete", "payment_status": "paid", "url": None}
        found.pop("_due_at", None)
        for changed in (charge, intent, found):
            self._books.put(changed)
        for kind, about in (
            ("charge.succeeded", charge),
            ("payment_intent.succeeded", intent),
            ("checkout.session.completed", found),
        ):
            self._books.tell(kind, about, deliver_at=deliver_at, now=now)

    def _expire(self, found: Json, *, now: datetime) -> Json:
        found |= {"status": "expired", "url": None}
        found.pop("_due_at", None)
        intent = self._books.get(found["payment_intent"])
        if intent is not None:
            intent |= {"status": "canceled", "cancellation_reason": "expired", "canceled_at": int(now.timestamp())}
            self._books.put(intent)
            self._books.tell("payment_intent.canceled", intent, deliver_at=[now], now=now)
        self._books.put(found)
        self._books.tell("checkout.session.expired", found, deliver_at=[now], now=now)
        return found

    def _end_refund(self, refund: Json, *, now: datetime) -> None:
        refund["status"] = refund.pop("_end")
        del refund["_due_at"]
        kinds = ["refund.updated"]
        if refund["status"] == "failed":
            refund["failure_reason"] = "lost_or_stolen_card"
            kinds.append("refund.failed")
            charge = self._books.get(refund["charge"])
            if charge is not None:
                charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
                self._books.put(charge)
        self._books.put(refund)
        for kind in kinds:
            self._books.tell(kind, refund, deliver_at=[now], now=now)

    def _charge_to_refund(self, fields: Json) -> Json:
        if "charge" in fields:
            kind, param = "charge", "charge"
            charge = self._books.get(fields["charge"])
        elif "payment_intent" in fields:
            kind, param = "payment_intent", "payment_intent"
            intent = self._books.get(fields["payment_intent"])
            charge = self._books.get(intent["latest_charge"]) if intent else None
        else:
            raise missing("payment_intent")
        if charge is None:
            raise no_such(kind, fields[param], param=param)
        if not charge["captured"]:
            raise StripeRefusal(f"This {kind} does not have a successful charge to refund.", param=param)
        return charge


def _line_item(fields: Json) -> tuple[str, int, str]:
    """The name, amount and currency of the only thing that is sold. Raises StripeRefusal."""
    items = fields.get("line_items")
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise missing("line_items")
    price = items[0].get("price_data")
    if not isinstance(price, dict):
        raise missing("line_items[0][price_data]")
    name = price.get("product_data", {}).get("name")
    currency = price.get("currency")
    if not name:
        raise missing("line_items[0][price_data][product_data][name]")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.islower()):
        raise StripeRefusal(f"Invalid currency: {currency}", param="line_items[0][price_data][currency]")
    amount = integer(price, "unit_amount", param="line_items[0][price_data][unit_amount]")
    amount *= integer(items[0], "quantity", param="line_items[0][quantity]")
    if amount > _AMOUNT_MAX:
        raise StripeRefusal("The amount is too large.", code="amount_too_large")
    if amount < _AMOUNT_MIN:
        raise StripeRefusal("The amount is too small.", code="amount_too_small")
    return str(name), amount, currency


def _expires_at(fields: Json, *, now: datetime) -> int:
    if "expires_at" not in fields:
        return int((now + _OPEN_MAX).timestamp())
    expires_at = integer(fields, "expires_at", param="expires_at")
    # As Stripe counts: whole seconds.
    if not int(_OPEN_MIN.total_seconds()) <= expires_at - int(now.timestamp()) <= int(_OPEN_MAX.total_seconds()):
        raise StripeRefusal(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            status=HTTPStatus.BAD_REQUEST,
            param="expires_at",
        )
    return expires_at
