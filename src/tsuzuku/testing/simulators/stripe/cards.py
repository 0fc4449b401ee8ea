# SPDX-License-Identifier: Apache-2.0
"""Stripe's test cards, https://docs.stripe.com/testing, and what paying with them comes to."""

from dataclasses import dataclass
from enum import StrEnum


class RefundEnd(StrEnum):
    """How a refund goes."""

    AT_ONCE = "at-once"
    #: Accepted now, done later.
    DONE = "done"
    #: Accepted now, failed later.
    FAIL = "fail"
    #: Done now; later the bank sends the money back.
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decline:
    """Why a payment fails: Stripe's code, and the bank's reason where the code is card_declined."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What a number comes to."""

    number: str
    brand: str = "visa"
    decline: Decline | None = None
    #: The bank asks the payer first (3-D Secure).
    asks: bool = False
    #: The bank asks again for every later payment, which it declines when nobody is there.
    asks_again: bool = False
    #: Whoever pays with it tells their bank that they have not.
    disputes: bool = False
    wallet: str | None = None
    refund: RefundEnd = RefundEnd.AT_ONCE


def _declined(number: str, reason: str, message: str, *, code: str = "card_declined") -> Card:
    return Card(number=number, decline=Decline(code=code, decline_code=reason, message=message))


#: What 3-D Secure comes to when the payer cannot show the bank who they are.
NOT_AUTHENTICATED = Decline(
    code="payment_intent_authentication_failure",
    decline_code=None,
    message="The provided PaymentMethod has failed authentication.",
)
#: What the charge of a kept card comes to whose bank wants to ask its payer.
AUTHENTICATION_REQUIRED = Decline(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
)
#: What comes to nothing because nobody paid in time.
EXPIRED = Decline(
    code="payment_intent_payment_attempt_expired",
    decline_code=None,
    message="The payment attempt for this PaymentIntent has expired.",
)
#: What other methods than cards come to when their payer says no.
NOT_AUTHORIZED = Decline(code="payment_intent_payment_attempt_failed", decline_code=None, message="The payment failed.")
APPLE_PAY = "apple_pay"

_DECLINED = "Your card was declined."
REFUSED = Decline(code="card_declined", decline_code="generic_decline", message=_DECLINED)
_CARDS = (
    Card(number="4242424242424242"),
    Card(number="5555555555554444", brand="mastercard"),
    Card(number="3566002020360505", brand="jcb"),
    Card(number="6200000000000005", brand="unionpay"),
    Card(number="4000000000003220", asks=True, asks_again=True),
    Card(number="4000002500003155", asks=True),
    Card(number="4000000000000259", disputes=True),
    Card(number="4000000000007726", refund=RefundEnd.DONE),
    Card(number="4000000000005126", refund=RefundEnd.RETURNED),
    _declined("4000000000000002", "generic_decline", _DECLINED),
    _declined("4000000000009995", "insufficient_funds", "Your card has insufficient funds."),
    _declined("4000000000006975", "card_velocity_exceeded", _DECLINED),
    _declined("4000000000009987", "lost_card", _DECLINED),
    _declined("4000000000009979", "stolen_card", _DECLINED),
    _declined("4000000000000069", "expired_card", "Your card has expired.", code="expired_card"),
    _declined("4000000000000127", "incorrect_cvc", "Your card's security code is incorrect.", code="incorrect_cvc"),
    _declined("4000000000000119", "processing_error", "An error occurred while processing.", code="processing_error"),
    # Not a number of Stripe's: the card in the payer's phone.
    Card(number=APPLE_PAY, wallet=APPLE_PAY),
)
CARDS = {card.number: card for card in _CARDS}
