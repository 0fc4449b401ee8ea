# SPDX-License-Identifier: Apache-2.0
"""Buying a new card with its first plan, and installing an eSIM that was bought."""

import uuid
from datetime import datetime
from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from tsuzuku.allowances.errors import RenewalRefused
from tsuzuku.cards.models import CardKind
from tsuzuku.cards.protection import reveal_activation_code
from tsuzuku.catalog.coupons import check_coupon
from tsuzuku.catalog.errors import CouponUnknown, MixNotOffered, PlanNotForCard, PlanUnknown, TooManyCoupons
from tsuzuku.catalog.promotion_queries import Customer
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import OrderAccess, order_or_404, owner
from tsuzuku.channels.web.currencies import currency_shown
from tsuzuku.channels.web.forms import NO_ADDRESS, ConfirmForm, NewCardForm
from tsuzuku.channels.web.new_cards import cheapest_new, post_tiles, tiles
from tsuzuku.channels.web.payers import payer_of
from tsuzuku.channels.web.paying import choices_for, method_of, needs_address
from tsuzuku.channels.web.plan_texts import validity, what_it_gives
from tsuzuku.channels.web.postal_form import PostalForm
from tsuzuku.channels.web.refusals import refusal_text, try_later
from tsuzuku.channels.web.shares import keepable, offer_of, what_was_ticked
from tsuzuku.channels.web.tiles import new_lot
from tsuzuku.channels.web.views.orders import start_paying
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.new_cards.actions import order_new_card
from tsuzuku.new_cards.addresses import COUNTRIES
from tsuzuku.new_cards.errors import (
    NewCardKeyReused,
    NewCardsSoldOut,
    NotPostedThere,
    PlanNotForNewCard,
    TooManyNewCards,
)
from tsuzuku.new_cards.installing import install_qr_svg, installation
from tsuzuku.new_cards.offers import NewCardQuote, kind_of, offers_for_new, quote_new
from tsuzuku.new_cards.postage import countries, postage_to
from tsuzuku.new_cards.queries import new_card_of
from tsuzuku.new_cards.states import READY
from tsuzuku.orders.errors import TooManyOrders
from tsuzuku.orders.limits import count_order
from tsuzuku.orders.policy import CURRENT_POLICY, policy_sentences
from tsuzuku.people.addresses import client_address
from tsuzuku.people.models import User
from tsuzuku.receipts.tax import CONSUMPTION_TAX_PERCENT, included_tax
from tsuzuku.renewals.errors import QuoteChanged
from tsuzuku.renewals.price_lines import price_lines
from tsuzuku.renewals.queries import renewal_of

#: As much of what was typed as a code is named again.
_COUPON_SHOWN_MAX = 40


@never_cache
@require_safe
def new_card(request: HttpRequest) -> HttpResponse:
    """How a new card can be had: as an eSIM, by post, or one that somebody has bought elsewhere."""
    now = clock.now()
    context = {
        "now": now,
        "cheapest": cheapest_new(now),
        "is_posted": bool(countries()),
        "cheapest_sim": cheapest_new(now, CardKind.SIM) if countries() else None,
    }
    return render(request, "web/new/home.html", context)


@never_cache
@require_safe
def new_sim(request: HttpRequest) -> HttpResponse:
    """Where a SIM card is posted to."""
    found = post_tiles()
    if not found:
        raise Http404
    return render(request, "web/new/countries.html", {"countries": found})


@never_cache
@require_safe
def new_card_plans(request: HttpRequest, country: str = "") -> HttpResponse:
    """The plans that a new card can be had with, those first that wait for the traveller."""
    now = clock.now()
    try:
        postage = postage_to(country) if country else None
        offers = offers_for_new(channel=CHANNEL, now=now, kind=kind_of(country))
    except NotPostedThere:
        raise Http404 from None
    except NewCardsSoldOut as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("new_card")
    language = get_language() or "en"
    context = {
        "now": now,
        "waiting": tiles((each for each in offers if each.is_waiting), language, country),
        "at_once": tiles((each for each in offers if not each.is_waiting), language, country),
        "country": COUNTRIES[country] if country else None,
        "postage": postage,
        "shown_in": currency_shown(request, now=now),
    }
    return render(request, "web/new/plans.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_new_card(request: HttpRequest, plan_code: str, country: str = "") -> HttpResponse:
    """Shows what card and plan are together, and on a yes puts a card aside, orders it and goes to pay.

    With a country it is a card that is posted there, and the page asks for the address.
    """
    now, user = clock.now(), owner(request)
    try:
        if request.method == "POST":
            return _order(request, user, plan_code, country, now=now)
        quote = quote_new(plan_code, channel=CHANNEL, now=now, payer=user, country=country)
        return _ask(request, user, quote, now=now)
    except NotPostedThere:
        raise Http404 from None
    except (NewCardsSoldOut, TooManyNewCards) as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("new_card")
    except (PlanUnknown, PlanNotForCard, PlanNotForNewCard, MixNotOffered, RenewalRefused) as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("new_sim_plans", country=country) if country else redirect("new_card_plans")


def _order(request: HttpRequest, user: User, plan_code: str, country: str, *, now: datetime) -> HttpResponse:
    quote = quote_new(plan_code, channel=CHANNEL, now=now, payer=user, country=country)
    form = ConfirmForm(request.POST) if country else NewCardForm(request.POST)
    # What is wrong with an address is said when it counts, not while a coupon is tried.
    postal = PostalForm(country, request.POST, is_checked="apply" not in request.POST) if country else None
    is_valid = form.is_valid()
    if postal is not None:
        is_valid = postal.is_valid() and is_valid
    typed = form.cleaned_data.get("email", "")
    if is_valid and not (user.email or typed) and "apply" not in request.POST and needs_address(_method(request)):
        form.add_error("email", NO_ADDRESS)
        is_valid = False
    customer = Customer(user.pk, quote.card.pk)
    coupon, refusal = _coupon(request, customer, form.cleaned_data.get("coupon", ""), now=now)
    is_new = coupon != request.POST.get("coupon_shown", "")
    if coupon:
        quote = quote_new(plan_code, channel=CHANNEL, now=now, payer=user, coupon=coupon, country=country)
    ask = partial(_ask, request, user, postal=postal, now=now)
    if "apply" in request.POST or is_new or refusal or not is_valid:
        return ask(quote, form=form, coupon=coupon, refusal=refusal)
    try:
        count_order(subject=f"customer:{user.pk}", address=client_address(request), now=now)
        order = order_new_card(
            user=user,
            plan_code=plan_code,
            digest=form.cleaned_data["digest"],
            key=str(form.cleaned_data["key"]),
            email=user.mail_address or typed,
            language=get_language() or settings.LANGUAGE_CODE,
            channel=CHANNEL,
            now=now,
            coupon=coupon,
            address=postal.cleaned_data["address"] if postal else None,
        )
    except QuoteChanged:
        changed = quote_new(plan_code, channel=CHANNEL, now=now, payer=user, coupon=coupon, country=country)
        return ask(changed, form=form, coupon=coupon, has_changed=True)
    except NewCardKeyReused:
        return ask(quote, coupon=coupon, has_changed=True)
    except TooManyOrders as too_many:
        messages.error(request, refusal_text(too_many))
        return try_later(ask(quote, form=form, coupon=coupon), too_many)
    return start_paying(request, OrderAccess(order=order, paid_for=renewal_of(order), user=user), now=now)


def _method(request: HttpRequest) -> str:
    return method_of(request.POST.get("method", ""))


def _coupon(request: HttpRequest, customer: Customer, text: str, *, now: datetime) -> tuple[str, DomainError | None]:
    """The coupon that was typed, if there is such a one; else why not."""
    if not text:
        return "", None
    try:
        return check_coupon(text=text, customer=customer, address=client_address(request), now=now), None
    except (CouponUnknown, TooManyCoupons) as refusal:
        return "", refusal


def _ask(
    request: HttpRequest,
    user: User,
    quote: NewCardQuote,
    *,
    now: datetime,
    form: ConfirmForm | None = None,
    postal: PostalForm | None = None,
    coupon: str = "",
    refusal: DomainError | None = None,
    has_changed: bool = False,
) -> HttpResponse:
    """The page that asks; with a new key unless the old one has not been used."""
    renewal, language = quote.renewal, get_language() or "en"
    refusal = refusal or renewal.coupon_refused
    plan_name = renewal.plan.name_in(language)
    lines = [*renewal.lines(), *(companion.line() for companion in quote.companions)]
    country = COUNTRIES[quote.country] if quote.country else None
    context = {
        "now": now,
        "quote": quote,
        "plan_name": plan_name,
        "gives": what_it_gives(renewal.plan, renewal.terms),
        "lasts": validity(renewal.terms),
        "lot": new_lot(renewal.preview),
        "until": renewal.preview.allowance.online_until,
        "lines": price_lines(lines, plan_name=plan_name, currency=quote.price.currency, language=language),
        "tax": included_tax(quote.price),
        "tax_percent": CONSUMPTION_TAX_PERCENT,
        "policy": policy_sentences(CURRENT_POLICY),
        "coupon": "" if refusal else coupon,
        "coupon_typed": request.POST.get("coupon", "").strip()[:_COUPON_SHOWN_MAX],
        "coupon_refused": refusal_text(refusal) if refusal else "",
        "choices": choices_for(
            payer_of(request), currency=quote.price.currency, now=now, choose=lambda _methods: _method(request)
        ),
        "shown_in": currency_shown(request, now=now),
        "keepable": keepable(user, quote.price.currency, now=now),
        **offer_of(user, quote.price, now=now),
        **what_was_ticked(request),
        "form": form or (ConfirmForm() if country else NewCardForm()),
        "country": country,
        "postal": (postal or PostalForm(country.code)) if country else None,
        "address_days": settings.PARCEL_ADDRESS_DAYS,
        "key": form.cleaned_data.get("key", uuid.uuid4()) if form and form.is_bound else uuid.uuid4(),
        "has_changed": has_changed and refusal is None,
    }
    response = render(
        request, "web/new/confirm.html", context, status=HTTPStatus.CONFLICT if has_changed else HTTPStatus.OK
    )
    return try_later(response, refusal) if isinstance(refusal, TooManyCoupons) else response


@never_cache
@login_required
@require_safe
def install_esim(request: HttpRequest, number: str) -> HttpResponse:
    """The ways to install an eSIM, for who has bought it and nobody else; as often as they come back."""
    user, now = owner(request), clock.now()
    access = order_or_404(request, number, now=now)
    bought = new_card_of(access.order)
    if bought is None or bought.user_id != user.pk:
        raise Http404
    if bought.state != READY:
        return redirect("order", number=number)
    code = reveal_activation_code(bought.card)
    if code is None:
        raise Http404
    found = installation(code)
    context = {
        "order": access.order,
        "card": bought.card,
        "installation": found,
        "qr": install_qr_svg(found, title=_("QR code that installs the eSIM")),
    }
    response = render(request, "web/new/install.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
