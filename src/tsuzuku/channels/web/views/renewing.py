# SPDX-License-Identifier: Apache-2.0
"""Choosing a plan and confirming it: what it costs, what the card will hold and what ends earlier, before paying."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.cards.errors import CardLost, CardPastLastDate, CardSuspended
from tsuzuku.catalog.coupons import check_coupon
from tsuzuku.catalog.errors import CouponUnknown, MixNotOffered, TooManyCoupons
from tsuzuku.catalog.mix_names import sold_name
from tsuzuku.catalog.promotion_queries import Customer
from tsuzuku.catalog.queries import mixes_for_sale
from tsuzuku.channels.web import CHANNEL, stretches
from tsuzuku.channels.web.access import CardAccess, OrderAccess, card_or_404
from tsuzuku.channels.web.advice import held_bytes
from tsuzuku.channels.web.currencies import currency_shown
from tsuzuku.channels.web.flights import FlightAdvice, advice_until, remembered_flight
from tsuzuku.channels.web.forms import NO_ADDRESS, ConfirmForm, FlightForm
from tsuzuku.channels.web.mixing import asked_mix, mix_tiles
from tsuzuku.channels.web.payers import payer_of
from tsuzuku.channels.web.paying import choices_for, method_of, needs_address
from tsuzuku.channels.web.plan_filters import ORDERS, countries_of, filter_of, in_sections, named
from tsuzuku.channels.web.plan_texts import validity, what_it_gives
from tsuzuku.channels.web.refusals import refusal_text, refusal_text_of, try_later
from tsuzuku.channels.web.repeats import just_ordered
from tsuzuku.channels.web.shares import keepable, offer_of, what_was_ticked
from tsuzuku.channels.web.summaries import summarize
from tsuzuku.channels.web.tiles import is_joined, is_waiting, new_lot, tile
from tsuzuku.channels.web.views.orders import start_paying
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.orders.errors import TooManyOrders
from tsuzuku.orders.limits import count_order
from tsuzuku.orders.policy import CURRENT_POLICY, policy_sentences
from tsuzuku.people.addresses import client_address
from tsuzuku.receipts.tax import CONSUMPTION_TAX_PERCENT, included_tax
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.gifts import is_gift
from tsuzuku.renewals.price_lines import price_lines
from tsuzuku.renewals.queries import renewal_of
from tsuzuku.renewals.quotes import Caution, Quote, offers_for, quote_renewal

#: As much of what was typed as a code is named again.
_COUPON_SHOWN_MAX = 40
#: After these nothing can be chosen at all.
_DEAD_CARD = (CardSuspended, CardLost, CardPastLastDate)


@never_cache
@require_safe
def plans(request: HttpRequest, token: str) -> HttpResponse:
    """Every plan that the card can take, each with its preview; then those that it cannot, and why."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    return render(request, "web/plans.html", plans_context(request, access, now=now))


def plans_context(
    request: HttpRequest, access: CardAccess, *, now: datetime, flight_form: FlightForm | None = None
) -> dict[str, Any]:
    """What the page of plans shows; with a form for the flight that was not filled as it must be, if there is one."""
    offers = offers_for(access.card, channel=CHANNEL, now=now, payer=access.user)
    before = card_allowance(access.card.pk, now=now)
    countries = countries_of(offers)
    wishes = filter_of(request, countries=countries)
    found = wishes.offers(offers)
    mixes = wishes.mixes(mixes_for_sale(card_group=access.card.group, now=now))
    language = get_language() or "en"
    flight = remembered_flight(request, access.card, now=now)
    summary = summarize(access.card, access.holder, before, now=now)
    return {
        "now": now,
        "card": access.card,
        "summary": summary,
        "token": access.card.public_token,
        "flight_form": flight_form or FlightForm(flight=flight, now=now),
        "flight_advice": advice_until(flight, access.card, offers, now=now)
        if flight and summary.standing.can_be_renewed and flight_form is None
        else None,
        "shown_in": currency_shown(request, now=now),
        "held": held_bytes(before),
        "sections": [
            (section, [tile(offer, before, language) for offer in section.offers])
            for section in in_sections(found, wishes.order)
        ],
        "mixes": mix_tiles(mixes, access.card.public_token, language),
        "wishes": wishes,
        "countries": named(countries),
        "orders": ORDERS.items(),
        "left_out": sum(offer.refused is None for offer in offers) - sum(offer.refused is None for offer in found),
        "refused": [
            (offer.plan.name_in(language), refusal_text_of(offer.refused)) for offer in offers if offer.refused
        ],
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str, plan_code: str) -> HttpResponse:
    """Shows what a plan would do to the card, and on a yes orders it and goes to pay."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    try:
        if request.method == "POST":
            return _order(request, access, plan_code, now=now)
        return _ask(request, access, _quote(request, access, plan_code, now=now), now=now)
    except MixNotOffered as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("mix", token=token, plan_code=plan_code)
    except DomainError as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("card" if isinstance(refusal, _DEAD_CARD) else "plans", token=token)


def _quote(request: HttpRequest, access: CardAccess, plan_code: str, *, now: datetime, coupon: str = "") -> Quote:
    mix = asked_mix(request)
    return quote_renewal(access.card, plan_code, channel=CHANNEL, now=now, payer=access.user, coupon=coupon, mix=mix)


def _order(request: HttpRequest, access: CardAccess, plan_code: str, *, now: datetime) -> HttpResponse:
    form = ConfirmForm(request.POST)
    is_valid = form.is_valid()
    has_address = bool(access.user and access.user.email) or bool(form.cleaned_data.get("email"))
    if is_valid and not has_address and "apply" not in request.POST and needs_address(_chosen_method(request)):
        form.add_error("email", NO_ADDRESS)
        is_valid = False
    coupon, refusal = _coupon(request, access, form.cleaned_data.get("coupon", ""), now=now)
    # A code that was typed and not yet reckoned with is, by whichever button: its price is shown before it is paid.
    is_new = coupon != request.POST.get("coupon_shown", "")
    if "apply" in request.POST or is_new or refusal or not is_valid:
        quote = _quote(request, access, plan_code, now=now, coupon=coupon)
        return _ask(request, access, quote, form=form, coupon=coupon, refusal=refusal, now=now)
    try:
        count_order(subject=f"card:{access.card.pk}", address=client_address(request), now=now)
        order = order_renewal(
            card=access.card,
            plan_code=plan_code,
            digest=form.cleaned_data["digest"],
            actor=access.actor,
            key=str(form.cleaned_data["key"]),
            payer=access.user,
            email=(access.user.mail_address if access.user else "") or form.cleaned_data["email"],
            language=get_language() or settings.LANGUAGE_CODE,
            channel=CHANNEL,
            now=now,
            coupon=coupon,
            mix=asked_mix(request),
        )
    except QuoteChanged as changed:
        return _ask(request, access, changed.quote, form=form, coupon=coupon, has_changed=True, now=now)
    except KeyReused:
        quote = _quote(request, access, plan_code, now=now, coupon=coupon)
        return _ask(request, access, quote, coupon=coupon, has_changed=True, now=now)
    except TooManyOrders as too_many:
        messages.error(request, refusal_text(too_many))
        quote = _quote(request, access, plan_code, now=now, coupon=coupon)
        return try_later(_ask(request, access, quote, form=form, coupon=coupon, now=now), too_many)
    return start_paying(request, OrderAccess(order=order, paid_for=renewal_of(order), user=access.user), now=now)


def _chosen_method(request: HttpRequest) -> str:
    return method_of(request.POST.get("method", ""))


def _coupon(request: HttpRequest, access: CardAccess, text: str, *, now: datetime) -> tuple[str, DomainError | None]:
    """The coupon that was typed, if there is such a one; else why not."""
    if not text:
        return "", None
    customer = Customer(access.user.pk if access.user else None, access.card.pk)
    try:
        return check_coupon(text=text, customer=customer, address=client_address(request), now=now), None
    except (CouponUnknown, TooManyCoupons) as refusal:
        return "", refusal


def _ask(
    request: HttpRequest,
    access: CardAccess,
    quote: Quote,
    *,
    now: datetime,
    form: ConfirmForm | None = None,
    coupon: str = "",
    refusal: DomainError | None = None,
    has_changed: bool = False,
) -> HttpResponse:
    """The page that asks; with a new key unless the old one has not been used.

    A coupon that takes nothing off is named, with the reason, and left out of what is asked next.
    """
    terms = quote.terms
    after = quote.preview.allowance
    refusal = refusal or quote.coupon_refused
    flight_advice = _flight_advice(request, access, now=now)
    plan_name = sold_name(quote.plan, quote.mix, get_language() or "en")
    before = just_ordered(access.card, quote, now=now)
    context = {
        "now": now,
        "summary": summarize(access.card, access.holder, quote.before, now=now),
        "access": access,
        "quote": quote,
        "policy": policy_sentences(CURRENT_POLICY),
        "plan_name": plan_name,
        "gives": what_it_gives(quote.plan, terms),
        "after": after,
        "held": held_bytes(after),
        "lot": new_lot(quote.preview),
        "is_joined": is_joined(quote.before, quote.preview),
        "is_waiting": is_waiting(new_lot(quote.preview)),
        "lasts": validity(terms),
        "planned": stretches.planned(quote.before, after),
        "starts_too_late": Caution.STARTS_TOO_LATE in quote.cautions,
        "is_needed": Caution.NOT_NEEDED_YET not in quote.cautions,
        "flight_advice": flight_advice,
        "flight": flight_advice.day if flight_advice else None,
        "tax": included_tax(quote.price),
        "tax_percent": CONSUMPTION_TAX_PERCENT,
        "lines": price_lines(
            quote.lines(), plan_name=plan_name, currency=quote.price.currency, language=get_language() or "en"
        ),
        "coupon": "" if refusal else coupon,
        "coupon_typed": request.POST.get("coupon", "").strip()[:_COUPON_SHOWN_MAX],
        "coupon_refused": refusal_text(refusal) if refusal else "",
        "choices": choices_for(
            payer_of(request),
            currency=quote.price.currency,
            now=now,
            choose=lambda _methods: _chosen_method(request),
        ),
        "shown_in": currency_shown(request, now=now),
        "keepable": keepable(access.user, quote.price.currency, now=now),
        **offer_of(access.user, quote.price, now=now),
        **what_was_ticked(request),
        "form": form or ConfirmForm(),
        "key": form.cleaned_data.get("key", uuid.uuid4()) if form and form.is_bound else uuid.uuid4(),
        "has_changed": has_changed and refusal is None,
        "just_ordered": before,
        "is_just_given": before is not None and is_gift(before),
    }
    status = HTTPStatus.CONFLICT if has_changed else HTTPStatus.OK
    response = render(request, "web/confirm.html", context, status=status)
    return try_later(response, refusal) if isinstance(refusal, TooManyCoupons) else response


def _flight_advice(request: HttpRequest, access: CardAccess, *, now: datetime) -> FlightAdvice | None:
    """What is needed until the flight, if there is one: so that nobody buys what is not."""
    flight = remembered_flight(request, access.card, now=now)
    if flight is None:
        return None
    offers = offers_for(access.card, channel=CHANNEL, now=now, payer=access.user)
    return advice_until(flight, access.card, offers, now=now)
