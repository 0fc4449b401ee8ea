# SPDX-License-Identifier: Apache-2.0
"""PaymentIntents that a merchant's server makes and confirms in one call, and what their payers do elsewhere.

Everything here is called under the books' lock and inside `change`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.stripe import next_actions, objects
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.cards import AUTHENTICATION_REQUIRED, NOT_AUTHORIZED, Decline
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.taking import (
    cancel,
    card_of,
    decline,
    run_out,
    succeed,
    wait_for_payer,
)
from tsuzuku.testing.simulators.stripe.wire import (
    StripeRefusal,
    check_amount,
    check_currency,
    check_known,
    integer,
    missing,
    no_such,
)

METHODS = frozenset({"konbini", "alipay", "wechat_pay", "paypay"})
_PARAMS = frozenset(
    {
        "allowed_payment_method_types",
        "amount",
        "confirm",
        "currency",
        "customer",
        "description",
        "expand",
        "metadata",
        "off_session",
        "payment_method",
        "payment_method_data",
        "payment_method_options",
        "return_url",
    }
)
_BILLING = frozenset({"address", "email", "name", "phone"})
_OPTIONS = {
    "konbini": frozenset({"confirmation_number", "expires_after_days", "expires_at", "product_description"}),
    "wechat_pay": frozenset({"app_id", "client"}),
}
_TILL_MIN, _TILL_MAX = 120, 300_000
_SLIP_CHARACTERS_MAX = 22
_SLIP_DAYS_MAX = 60


def create_intent(
    books: StripeBooks, fields: Json, *, url: str, refusals: list[Decline], now: datetime
) -> Json | StripeRefusal:
    """A PaymentIntent, confirmed. Raises StripeRefusal; returns one for what was declined, which is made all the same.

    The first of `refusals` is used up by a charge of a kept method.
    """
    check_known(fields, _PARAMS)
    amount, currency = integer(fields, "amount", param="amount"), check_currency(fields.get("currency"), "currency")
    check_amount(amount)
    if fields.get("confirm") != "true":
        raise StripeRefusal("This simulator knows only confirm=true.", param="confirm")
    if "payment_method" in fields:
        return _charge_kept(books, fields, amount=amount, currency=currency, refusals=refusals, now=now)
    kind, billing = _method_data(fields)
    intent = objects.payment_intent(amount=amount, currency=currency, fields=fields, methods=[kind], now=now)
    method = objects.payment_method(kind, None, billing=billing, now=now)
    intent["payment_method"] = method["id"]
    due_at: int | None = None
    match kind:
        case "konbini":
            due_at = _slip_end(fields, amount=amount, currency=currency, billing=billing, now=now)
            action = next_actions.konbini(intent, url=url, expires_at=due_at)
        case "wechat_pay":
            if _options(fields, kind).get("client") != "web":
                raise missing("payment_method_options[wechat_pay][client]")
            due_at = int(now.timestamp()) + next_actions.CODE_SECONDS
            action = next_actions.wechat_pay(intent, url=url)
        case _:
            if not is_webhook_url(fields.get("return_url", "")):
                raise missing("return_url")
            action = (next_actions.alipay if kind == "alipay" else next_actions.paypay)(intent, url=url)
    books.put(method)
    books.tell_of("payment_intent.created", intent, deliver_at=[now], now=now)
    wait_for_payer(books, intent, action, due_at=due_at, now=now)
    return intent


def cancel_intent(books: StripeBooks, intent: Json, *, now: datetime) -> Json:
    """Gives up what nobody has paid. Raises StripeRefusal."""
    if intent["status"] in {"succeeded", "canceled"}:
        raise StripeRefusal(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    cancel(books, intent, reason=None, now=now)
    return intent


# -- what payers do --------------------------------------------------------------------------------------------------


def pay(books: StripeBooks, intent: Json, *, deliver_at: Sequence[datetime], taken: Json, now: datetime) -> None:
    """The payer agrees in the wallet, or puts the money on the till; nothing if it no longer waits for that."""
    if waits(intent):
        succeed(books, intent, None, deliver_at=deliver_at, taken=taken, now=now)


def refuse(books: StripeBooks, intent: Json, *, now: datetime) -> None:
    """The payer says no in the wallet."""
    if waits(intent):
        decline(books, intent, None, NOT_AUTHORIZED, deliver_at=[now], now=now)


def end(books: StripeBooks, intent: Json, *, now: datetime) -> None:
    """Its time has run out."""
    if waits(intent):
        run_out(books, intent, now=now)


def waits(intent: Json) -> bool:
    """Whether its payer has to do something elsewhere than on Checkout."""
    return intent["_session"] is None and intent["status"] == "requires_action"


# -- how it is done --------------------------------------------------------------------------------------------------


def _charge_kept(
    books: StripeBooks, fields: Json, *, amount: int, currency: str, refusals: list[Decline], now: datetime
) -> Json | StripeRefusal:
    if fields.get("off_session") != "true":
        raise StripeRefusal("This simulator charges kept methods with off_session=true only.", param="off_session")
    method = books.get(fields["payment_method"])
    if method is None or method["object"] != "payment_method":
        raise no_such("PaymentMethod", fields["payment_method"], param="payment_method", status=HTTPStatus.BAD_REQUEST)
    if method["customer"] is None or method["customer"] != fields.get("customer"):
        raise StripeRefusal("The PaymentMethod does not belong to the Customer.", param="payment_method")
    intent = objects.payment_intent(amount=amount, currency=currency, fields=fields, methods=["card"], now=now)
    intent["payment_method"] = method["id"]
    card = card_of(books, intent)
    refusal = refusals.pop(0) if refusals else None
    if refusal is None and card is not None:
        refusal = AUTHENTICATION_REQUIRED if card.asks_again else card.decline
    books.tell_of("payment_intent.created", intent, deliver_at=[now], now=now)
    if refusal is None:
        succeed(books, intent, card, deliver_at=[now], taken={}, now=now)
        return intent
    decline(books, intent, card, refusal, deliver_at=[now], now=now)
    return StripeRefusal(
        refusal.message,
        status=HTTPStatus.PAYMENT_REQUIRED,
        kind="card_error",
        code=refusal.code,
        more={
            "charge": intent["latest_charge"],
            "decline_code": refusal.decline_code,
            "payment_intent": objects.shown(intent),
            "payment_method": objects.shown(method),
        },
    )


def _method_data(fields: Json) -> tuple[str, Json]:
    """The kind of method, and whom it belongs to. Raises StripeRefusal."""
    data = fields.get("payment_method_data")
    if not isinstance(data, dict):
        raise missing("payment_method_data")
    kind = data.get("type")
    if kind not in METHODS:
        raise StripeRefusal(f"Invalid payment_method_data[type]: {kind}", param="payment_method_data[type]")
    check_known(data, frozenset({"billing_details", "type", kind}), inside="payment_method_data")
    if kind not in fields.get("allowed_payment_method_types", [kind]):
        raise StripeRefusal(
            f"The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )
    billing = data.get("billing_details", {})
    check_known(billing, _BILLING, inside="payment_method_data[billing_details]")
    return kind, billing


def _options(fields: Json, kind: str) -> Json:
    """The options of a method. Raises StripeRefusal."""
    options: Json = fields.get("payment_method_options", {}).get(kind, {})
    check_known(options, _OPTIONS[kind], inside=f"payment_method_options[{kind}]")
    return options


def _slip_end(fields: Json, *, amount: int, currency: str, billing: Json, now: datetime) -> int:
    """When a slip ends, in seconds since 1970. Raises StripeRefusal for what no store takes."""
    inside, options = "payment_method_options[konbini]", _options(fields, "konbini")
    for name in ("email", "name"):
        if not billing.get(name):
            raise missing(f"payment_method_data[billing_details][{name}]")
    if currency != "jpy":
        raise StripeRefusal("konbini takes jpy only.", code="payment_method_currency_mismatch", param="currency")
    check_amount(amount, least=_TILL_MIN, most=_TILL_MAX)
    if len(options.get("product_description", "")) > _SLIP_CHARACTERS_MAX:
        raise StripeRefusal("Invalid string: too long.", param=f"{inside}[product_description]")
    if "expires_at" in options and "expires_after_days" in options:
        raise StripeRefusal("You may only specify one of these parameters.", code="parameters_exclusive")
    if "expires_after_days" in options:
        days = integer(options, "expires_after_days", param=f"{inside}[expires_after_days]")
        if days > _SLIP_DAYS_MAX:
            raise StripeRefusal("This value must be at most 60.", param=f"{inside}[expires_after_days]")
        return next_actions.slip_expires_at(days=days, now=now)
    if "expires_at" not in options:
        return next_actions.slip_expires_at(now=now)
    ends_at = integer(options, "expires_at", param=f"{inside}[expires_at]")
    if not now.timestamp() < ends_at <= (now + timedelta(days=_SLIP_DAYS_MAX + 1)).timestamp():
        raise StripeRefusal("This value must be in the next 60 days.", param=f"{inside}[expires_at]")
    return ends_at
