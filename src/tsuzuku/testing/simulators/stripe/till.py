# SPDX-License-Identifier: Apache-2.0
"""What merchants ask Stripe for, what payers do on its pages, and what then happens by itself.

Everything here is called under the books' lock, and what changes them inside `change`.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.stripe import intents, objects
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.cards import NOT_AUTHENTICATED, REFUSED, Card, Decline, RefundEnd
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.taking import cancel, card_of, decline, succeed, use_method, wait_for_payer
from tsuzuku.testing.simulators.stripe.wire import (
    StripeRefusal,
    check_amount,
    check_currency,
    check_known,
    integer,
    missing,
    no_such,
)

#: What Checkout takes here; Stripe's own takes more.
METHODS = frozenset({"card"})
_SESSION_PARAMS = frozenset(
    {
        "adaptive_pricing",
        "allowed_payment_method_types",
        "cancel_url",
        "client_reference_id",
        "customer_creation",
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
_INTENT_PARAMS = frozenset({"description", "metadata", "setup_future_usage"})
_REFUND_PARAMS = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"})
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=30), timedelta(hours=24)
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
        #: How the next charges of kept methods are declined; as their card says when it is empty.
        self.next_charges: list[Decline] = []

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
        check_known(fields.get("payment_intent_data", {}), _INTENT_PARAMS, inside="payment_intent_data")
        if fields.get("customer_creation") not in {None, "always", "if_required"}:
            raise StripeRefusal("Invalid customer_creation", param="customer_creation")
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
        if charge["payment_method_details"]["type"] == "konbini":
            # Who paid at a till is asked by mail for a bank account first.
            status = "requires_action"
        made = objects.refund(charge, amount=amount, metadata=fields.get("metadata", {}), status=status, now=now)
        if end is not RefundEnd.AT_ONCE:
            later = now + timedelta(seconds=self.refund_seconds)
            made |= {"_end": "succeeded" if end is RefundEnd.DONE else "failed", "_due_at": later.timestamp()}
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._books.put(charge)
        self._books.put(made)
        for kind, about in (("refund.created", made), ("charge.refunded", charge)):
            self._books.tell_of(kind, about, deliver_at=[now], now=now)
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
        """Tries a card on a session's page, or pays a PaymentIntent that has none; nothing if it is no longer open.

        Another amount and currency than was asked for may be taken, to see what the merchant makes of it.
        """
        if found["object"] == "payment_intent":
            intents.pay(self._books, found, deliver_at=self._deliver_at(trouble, now), taken=taken or {}, now=now)
            return
        if found["status"] != "open" or card is None:
            return
        intent = self._intent(found, now=now)
        if card.asks:
            use_method(self._books, intent, card, now=now)
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
            wait_for_payer(self._books, intent, action, due_at=None, now=now)
        elif card.decline is not None:
            decline(self._books, intent, card, card.decline, deliver_at=[now], now=now)
        else:
            if trouble is Trouble.OUT_OF_ORDER:
                decline(self._books, intent, card, REFUSED, deliver_at=[now + _OUT_OF_ORDER], now=now)
            deliver_at = self._deliver_at(trouble, now)
            succeed(self._books, intent, card, deliver_at=deliver_at, taken=taken or {}, now=now)

    def answer_bank(self, found: Json, *, is_me: bool, now: datetime) -> None:
        """What the payer told the bank that asked (3-D Secure)."""
        intent = self._books.get(found["payment_intent"])
        if found["status"] != "open" or intent is None or intent["status"] != "requires_action":
            return
        card = card_of(self._books, intent)
        if is_me:
            succeed(self._books, intent, card, deliver_at=[now], taken={}, now=now)
        else:
            decline(self._books, intent, card, NOT_AUTHENTICATED, deliver_at=[now], now=now)

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, *, now: datetime) -> None:
        """Closes sessions, slips and codes, and ends refunds whose time has come."""
        for found in self._books.due(now=now):
            with self._books.change():
                match found["object"]:
                    case "refund":
                        self._end_refund(found, now=now)
                    case "payment_intent":
                        intents.end(self._books, found, now=now)
                    case _:
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
            intent = objects.payment_intent(
                amount=found["amount_total"],
                currency=found["currency"],
                fields=found["_intent"],
                methods=found["payment_method_types"],
                session_id=found["id"],
                now=now,
            )
            found["payment_intent"] = intent["id"]
            self._books.put(found)
            self._books.tell_of("payment_intent.created", intent, deliver_at=[now], now=now)
        return intent

    def _deliver_at(self, trouble: Trouble, now: datetime) -> list[datetime]:
        """When the merchant is told, each time it is."""
        match trouble:
            case Trouble.LATE:
                return [now + timedelta(seconds=self.late_seconds)]
            case Trouble.TWICE:
                return [now, now]
            case Trouble.LOST:
                return []
        return [now]

    def _expire(self, found: Json, *, now: datetime) -> Json:
        found |= {"status": "expired", "url": None}
        found.pop("_due_at", None)
        intent = self._books.get(found["payment_intent"])
        if intent is not None:
            cancel(self._books, intent, reason="expired", now=now)
        self._books.put(found)
        self._books.tell_of("checkout.session.expired", found, deliver_at=[now], now=now)
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
            self._books.tell_of(kind, refund, deliver_at=[now], now=now)

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
    if not name:
        raise missing("line_items[0][price_data][product_data][name]")
    currency = check_currency(price.get("currency"), "line_items[0][price_data][currency]")
    amount = integer(price, "unit_amount", param="line_items[0][price_data][unit_amount]")
    amount *= integer(items[0], "quantity", param="line_items[0][quantity]")
    check_amount(amount)
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
