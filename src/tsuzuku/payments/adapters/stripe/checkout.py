# SPDX-License-Identifier: Apache-2.0
"""A payment on Stripe's own page."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from stripe.params.checkout import SessionCreateParams

from tsuzuku.payments.adapters.stripe import objects
from tsuzuku.payments.ports import PaymentRequest

#: A session may live from half an hour to a day after it was made, which may be a while after it was first asked for.
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=45), timedelta(hours=23)
_NAME_CHARACTERS_MAX = 250

_LOCALES: Mapping[str, Literal["zh", "zh-TW", "ja", "ko", "en"]] = {
    "zh-hans": "zh",
    "zh-hant": "zh-TW",
    "ja": "ja",
    "ko": "ko",
    "en": "en",
}


def session_params(request: PaymentRequest) -> SessionCreateParams:
    """Nothing here may depend on the moment: the same key must carry the same parameters."""
    keys = objects.keys_of(request)
    expires_at = min(max(request.expires_at, request.created_at + _OPEN_MIN), request.created_at + _OPEN_MAX)
    params: SessionCreateParams = {
        "mode": "payment",
        # Apple Pay and Google Pay hold cards, and are offered where the device has them.
        "allowed_payment_method_types": ["card"],
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.amount.currency.lower(),
                    "unit_amount": request.amount.amount_minor,
                    "product_data": {"name": request.description[:_NAME_CHARACTERS_MAX]},
                },
            }
        ],
        # What was promised is what is charged: no prices in the payer's currency at a rate with a fee.
        "adaptive_pricing": {"enabled": False},
        "client_reference_id": request.order_number,
        # Stripe's page cannot be told to begin with Apple Pay; who looks at the session sees what was wanted.
        "metadata": {**keys, objects.METHOD_KEY: request.method},
        "payment_intent_data": {"description": request.order_number, "metadata": keys},
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "locale": _LOCALES.get(request.language.lower(), "auto"),
        "expires_at": int(expires_at.timestamp()),
    }
    if request.keep:
        # What is kept belongs to a Customer, and the page tells its payer that it will be charged while they are away.
        params["customer_creation"] = "always"
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    return params
