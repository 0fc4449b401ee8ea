# SPDX-License-Identifier: Apache-2.0
"""What the domain refuses, in words for travellers: what is the case, and what to do next."""

from datetime import timedelta
from http import HTTPStatus

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tsuzuku.cards.errors import TooManyGuesses, TooManyNumbers
from tsuzuku.catalog.errors import CouponBelowMinimum, TooManyCoupons
from tsuzuku.kernel.errors import DomainError
from tsuzuku.look import formats
from tsuzuku.orders.errors import TooManyOrders, TooManySlips, TooManyStarts
from tsuzuku.people.errors import TooManyCodes

#: Why a friend cannot pay for a card. What the reason is concerns who has it.
CANNOT_NOW = _("This card cannot be renewed at the moment. Nothing was charged. Please ask whoever has the card.")

#: By the stable code of a DomainError.
_TEXTS = {
    "card-not-opened": _(
        "Card number and PIN do not match. Both are printed on the card or in the mail with your eSIM."
    ),
    "iccid-check-digit": _("One digit of the card number is wrong. Please compare it with the card."),
    "iccid-malformed": _("A card number has 19 digits and begins with 89. Spaces do not matter."),
    "card-name-malformed": _("Please use up to 40 letters, digits and spaces, and begin with a letter."),
    "card-suspended": _("This card is suspended and cannot be renewed. Please ask where you bought it."),
    "card-lost": _("This card was reported lost and cannot be renewed. Found it? Please ask where you bought it."),
    "card-past-last-date": _(
        "The last day of use of this card is over. It cannot be renewed any more: please get a new one."
    ),
    "card-expired": _("This card ended too long ago for this plan."),
    "plan-unknown": _("This plan is no longer sold. These are the plans of today."),
    "mix-not-offered": _("This mix is not offered. Please choose data and days from the lists."),
    "plan-not-for-card": _("This plan is not for your kind of card. These plans are."),
    "stack-full": _("Your card holds as many renewals of this plan as it can take."),
    "nothing-to-join": _("This plan only adds to a plan that is running, and none that fits is running now."),
    "lot-cannot-start": _("This plan cannot be started any more."),
    "payment-not-started": _(
        "This payment service does not answer at the moment. Nothing was charged, and your order is kept. "
        "Please pay another way, or come back in a few minutes."
    ),
    "receipt-not-printable": _(
        "The PDF cannot be made at the moment. This page and the mail are just as valid. Please try again later."
    ),
    "too-many-receipt-mails": _("We have sent this receipt several times just now. Please look into your mailbox."),
    "coupon-unknown": _("We do not know this code. Please compare it, letter by letter."),
    "coupon-not-yet": _("The days of this code have not come yet. Please keep it."),
    "coupon-over": _("This code has ended."),
    "coupon-not-for-plan": _("This code is for other plans."),
    "coupon-not-here": _("This code is not for this website. It counts where you got it."),
    "coupon-used-up": _("This code has been used up."),
    "coupon-used-by-you": _("You have used this code already."),
    "coupon-not-better": _(
        "Your price is as good or better without this code. It stays unused: keep it for another time."
    ),
    "automatic-by-another": _("Somebody else who holds this card has it renewed automatically."),
    "source-unknown": _("This way of paying is not kept any more. Please choose another one."),
    "quote-changed": _("The price has changed in the meantime. Please look again."),
    "balance-changed": _("Your balance has changed in the meantime. Nothing was taken. Please look again."),
    "amount-not-offered": _("Please choose from ¥500 to ¥10,000, in steps of ¥100."),
    "top-up-key-reused": _("This page was used already. Please choose again."),
    "too-many-passkeys": _("This account has as many passkeys as it can have. Remove one that you do not use."),
    "phone-malformed": _("This is no mobile number. Please compare it, digit by digit, and choose its country."),
    "phone-country-not-offered": _("To numbers of this country we cannot send codes. Please use an e-mail address."),
    "way-in-taken": _("There is another account with this. Log in to it instead, or use something else here."),
    "flight-past": _("This flight is over. Please choose today or a later day."),
    "flight-too-far": _("We can look 60 days ahead. Please choose an earlier day."),
    "giver-name-malformed": _("Please use up to 40 letters and spaces for your name, and no address or phone number."),
    "too-many-friend-links": _("This card has as many open links as it can have. End one that is not needed."),
    "new-cards-sold-out": _("It is sold out at the moment. Nothing was ordered. Please look in again later."),
    "too-many-new-cards": _(
        "You have several new cards that wait for their payment. Please pay or cancel them first: "
        "they are among your orders."
    ),
    "plan-not-for-new-card": _("This plan cannot be bought with a new card. These can."),
    "order-not-payable": _("This order has moved on in the meantime. This is how it stands."),
}


def refusal_text(refusal: DomainError) -> str:
    """What to tell somebody about a refusal."""
    if isinstance(refusal, TooManyGuesses):
        return gettext("Too many wrong PINs. For the safety of your card, please wait %(duration)s and try again.") % {
            "duration": _wait(refusal.retry_after_seconds)
        }
    if isinstance(refusal, TooManyNumbers):
        return gettext(
            "Very many card numbers were tried in a short time. Nothing was ordered or charged. "
            "Please try again in %(duration)s, or ask for a link from whoever has the card."
        ) % {"duration": _wait(refusal.retry_after_seconds)}
    if isinstance(refusal, TooManyCodes):
        return gettext("We have sent as many codes as we may. Please wait %(duration)s before you ask for another.") % {
            "duration": _wait(refusal.retry_after_seconds)
        }
    if isinstance(refusal, TooManyCoupons):
        return gettext("Too many wrong codes. Please wait %(duration)s and try again, or go on without a code.") % {
            "duration": _wait(refusal.retry_after_seconds)
        }
    if isinstance(refusal, TooManyOrders):
        return gettext(
            "There were very many orders from here in a short time. Nothing was ordered or charged. "
            "Please try again in %(duration)s: what you have filled in stays."
        ) % {"duration": _wait(refusal.retry_after_seconds)}
    if isinstance(refusal, TooManyStarts):
        return gettext(
            "Paying was begun very often in a short time. Nothing was charged, and your order is kept. "
            "Please try again in %(duration)s."
        ) % {"duration": _wait(refusal.retry_after_seconds)}
    if isinstance(refusal, TooManySlips):
        return gettext(
            "We have just sent several mails with numbers for stores to this address: please look into that mailbox. "
            "Your order is kept. You can get new numbers in %(duration)s, or pay another way now."
        ) % {"duration": _wait(refusal.retry_after_seconds)}
    if isinstance(refusal, CouponBelowMinimum):
        return gettext("This code counts for plans from %(price)s.") % {"price": formats.money(refusal.least)}
    return refusal_text_of(refusal.code)


def try_later(
    response: HttpResponse, refusal: TooManyCoupons | TooManyNumbers | TooManyOrders | TooManyStarts | TooManySlips
) -> HttpResponse:
    """A page that says so, marked for programs: too often, and when to try again."""
    response.status_code = HTTPStatus.TOO_MANY_REQUESTS
    response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _wait(seconds: int) -> str:
    """How long to wait, rounded up, so that nobody comes back too early."""
    return formats.duration(timedelta(minutes=-(-seconds // 60)))


def refusal_text_of(code: str) -> str:
    """The same where only the code is known."""
    return str(_TEXTS[code])
