# SPDX-License-Identifier: Apache-2.0
"""A payment that our server starts and confirms in one call, and the charge of a method that was kept."""

from datetime import datetime, time, timedelta, timezone

from stripe.params import (
    PaymentIntentCreateParams,
    PaymentIntentCreateParamsPaymentMethodData,
    PaymentIntentCreateParamsPaymentMethodOptions,
)

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import Rejected
from tsuzuku.payments.adapters.stripe import objects
from tsuzuku.payments.adapters.stripe.config import IntentMethod
from tsuzuku.payments.ports import PaymentRequest

#: What a till takes, in yen, https://docs.stripe.com/payments/konbini.
_KONBINI_MIN, _KONBINI_MAX = Money(120, "JPY"), Money(300_000, "JPY")
#: What stands on a slip of a store.
_SLIP_CHARACTERS_MAX = 22
#: Japan has no summer time.
_JAPAN = timezone(timedelta(hours=9))


def intent_params(request: PaymentRequest, method: IntentMethod, *, konbini_days: int) -> PaymentIntentCreateParams:
    """Nothing here may depend on the moment: the same key must carry the same parameters. Raises Rejected."""
    # Whose type has no fields of its own is named only.
    method_data: PaymentIntentCreateParamsPaymentMethodData = {"type": method}
    options: PaymentIntentCreateParamsPaymentMethodOptions = {}
    if method == "konbini":
        _check_till(request)
        # Who gets money back from a till is asked by mail for a bank account, so Stripe wants an address. It wants a
        # name too, which we ask of nobody: the order's number is what its payer knows again at the store.
        method_data["billing_details"] = {"email": request.payer_email, "name": request.order_number}
        options["konbini"] = {
            "expires_at": int(_slip_expires_at(request.created_at, days=konbini_days).timestamp()),
            "product_description": request.order_number[:_SLIP_CHARACTERS_MAX],
        }
    elif method == "wechat_pay":
        # Other clients are apps with an id at WeChat.
        options["wechat_pay"] = {"client": "web"}
    return {
        **_common(request),
        "allowed_payment_method_types": [method],
        "payment_method_data": method_data,
        "payment_method_options": options,
        "return_url": request.return_url,
    }


def charge_params(request: PaymentRequest) -> PaymentIntentCreateParams:
    """Charges a kept card while its payer is away. Raises Rejected."""
    customer, method = objects.read_kept(request.kept_reference)
    return {
        **_common(request),
        "allowed_payment_method_types": ["card"],
        "customer": customer,
        "payment_method": method,
        "off_session": True,
    }


def _common(request: PaymentRequest) -> PaymentIntentCreateParams:
    return {
        "amount": request.amount.amount_minor,
        "currency": request.amount.currency.lower(),
        "confirm": True,
        "description": request.order_number,
        "metadata": objects.keys_of(request),
    }


def _check_till(request: PaymentRequest) -> None:
    if request.amount.currency != _KONBINI_MIN.currency:
        raise Rejected("konbini-currency")
    if not _KONBINI_MIN.amount_minor <= request.amount.amount_minor <= _KONBINI_MAX.amount_minor:
        raise Rejected("konbini-amount")
    if not request.payer_email:
        raise Rejected("konbini-email-missing")


def _slip_expires_at(asked_at: datetime, *, days: int) -> datetime:
    """The last second of a day in Japan; explicit, since a repetition on the next day must not ask for another."""
    last_day = asked_at.astimezone(_JAPAN).date() + timedelta(days=days)
    return datetime.combine(last_day, time(23, 59, 59), _JAPAN)
