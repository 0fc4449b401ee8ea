# SPDX-License-Identifier: Apache-2.0
"""Mixing a plan: so much data for so many days, its price and what the card would hold, before anything is asked."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsuzuku.cards.errors import CardLost, CardPastLastDate, CardSuspended
from tsuzuku.catalog.errors import MixNotOffered, PlanUnknown
from tsuzuku.catalog.mixes import Mix, MixRule
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.queries import mixes_for_sale
from tsuzuku.channels.web import CHANNEL, stretches
from tsuzuku.channels.web.access import CardAccess, card_or_404
from tsuzuku.channels.web.advice import held_bytes
from tsuzuku.channels.web.currencies import currency_shown
from tsuzuku.channels.web.mixing import asked_mix, data_choices, days_choices, proposed_mix, remember_mix
from tsuzuku.channels.web.plan_texts import conditions, how_it_joins, price_a_day, price_a_gigabyte
from tsuzuku.channels.web.refusals import refusal_text, refusal_text_of
from tsuzuku.channels.web.summaries import summarize
from tsuzuku.channels.web.tiles import is_joined, is_waiting, new_lot
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.renewals.quotes import Quote, quote_renewal


@never_cache
@require_safe
def mix(request: HttpRequest, token: str, plan_code: str) -> HttpResponse:
    """Two lists and what the mix in the address costs; to a script that asks, only the latter."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    plan = next(
        (each for each in mixes_for_sale(card_group=access.card.group, now=now) if each.code == plan_code), None
    )
    rule = plan.mix_rule if plan else None
    if plan is None or rule is None:
        messages.error(request, refusal_text_of(PlanUnknown.code))
        return redirect("plans", token=token)
    asked = asked_mix(request)
    is_offered = asked is None or rule.offers(asked)
    chosen = asked if asked and is_offered else proposed_mix(request, rule)
    if asked and is_offered:
        remember_mix(request, asked)
    context: dict[str, Any] = {
        "now": now,
        "token": token,
        "plan": plan,
        "rule": rule,
        "chosen": chosen,
        "shown_in": currency_shown(request, now=now),
        "is_refused": not is_offered,
        "refused": "" if is_offered else refusal_text_of(MixNotOffered.code),
    }
    if is_offered:
        try:
            quote = quote_renewal(access.card, plan.code, channel=CHANNEL, now=now, payer=access.user, mix=chosen)
        except (CardSuspended, CardLost, CardPastLastDate) as refusal:
            messages.error(request, refusal_text(refusal))
            return redirect("card", token=token)
        except DomainError as refusal:
            context |= {"is_refused": True, "refused": refusal_text(refusal)}
        else:
            context |= _answer(access, quote, rule)
    if request.headers.get("HX-Request"):
        return render(request, "web/parts/mixed.html", context)
    return render(request, "web/mix.html", context | _page(plan, rule, chosen))


def _answer(access: CardAccess, quote: Quote, rule: MixRule) -> dict[str, Any]:
    """What a mix costs, and what the card would be after it."""
    after, lot = quote.preview.allowance, new_lot(quote.preview)
    chosen = quote.mix
    # What a promotion takes off the larger mix is not known here.
    more = rule.more_for_less(chosen) if chosen and quote.price == quote.full_price else None
    return {
        "summary": summarize(access.card, access.holder, quote.before, now=clock.now()),
        "quote": quote,
        "a_day": price_a_day(quote.price, quote.terms),
        "a_gigabyte": price_a_gigabyte(quote.price, quote.terms),
        "percent_off": rule.percent_off(chosen) if chosen else 0,
        "more": more,
        "more_price": rule.price(more) if more else None,
        "joins": how_it_joins(quote.terms, is_joined=is_joined(quote.before, quote.preview)),
        "held": held_bytes(after),
        "is_waiting": is_waiting(lot),
        "starts_at": lot.expected_starts_at,
        "until": after.online_until,
        "planned": stretches.planned(quote.before, after),
    }


def _page(plan: Plan, rule: MixRule, chosen: Mix) -> dict[str, Any]:
    """What stands around it."""
    return {
        "plan_name": plan.name_in(get_language() or "en"),
        "gives": conditions(plan),
        "data_choices": data_choices(rule, chosen),
        "days_choices": days_choices(rule, chosen),
    }
