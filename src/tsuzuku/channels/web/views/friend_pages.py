# SPDX-License-Identifier: Apache-2.0
"""What friends are shown and asked, by whichever way they came: plans and prices, and nothing of any card."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from tsuzuku.cards.models import Card
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.terms import PlanTerms
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import OrderAccess, remember_order
from tsuzuku.channels.web.currencies import currency_shown
from tsuzuku.channels.web.forms import NO_ADDRESS, FriendForm
from tsuzuku.channels.web.payers import payer_of
from tsuzuku.channels.web.paying import choices_for, method_of, needs_address
from tsuzuku.channels.web.plan_texts import price_a_day, price_a_gigabyte, sections, what_it_gives
from tsuzuku.channels.web.repeats import Repeat
from tsuzuku.channels.web.views.orders import start_paying
from tsuzuku.kernel.money import Money
from tsuzuku.orders.payers import Friend
from tsuzuku.orders.policy import CURRENT_POLICY, policy_sentences
from tsuzuku.people.models import User
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.queries import renewal_of
from tsuzuku.renewals.quotes import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a friend is asked to confirm; of the card, its typed number or the name that its holder shows."""

    plan: Plan
    terms: PlanTerms
    price: Money
    digest: str
    #: What was ordered just before.
    repeat: Repeat | None
    #: Where all plans are.
    plans: str
    number: str = ""
    shown_name: str = ""


def list_context(
    request: HttpRequest, offers: Sequence[Offer], address_of: Callable[[str], str], *, now: datetime
) -> dict[str, Any]:
    """Plans under their headings, each with what it gives and costs, and the address of its code."""
    language = get_language() or "en"
    return {
        "now": now,
        "shown_in": currency_shown(request, now=now),
        "sections": [
            (
                section,
                [
                    {
                        "offer": offer,
                        "name": offer.plan.name_in(language),
                        "gives": what_it_gives(offer.plan, offer.terms),
                        "a_day": price_a_day(offer.price, offer.terms),
                        "a_gigabyte": price_a_gigabyte(offer.price, offer.terms),
                        "address": address_of(offer.plan.code),
                    }
                    for offer in section.offers
                ],
            )
            for section in sections(offers)
        ],
    }


def sent_form(request: HttpRequest, user: User | None) -> FriendForm | None:
    """The form that was sent, checked: an address must be in it where the way of paying needs one; None for a GET."""
    if request.method != "POST":
        return None
    form = FriendForm(request.POST)
    has_address = form.is_valid() and bool((user and user.email) or form.cleaned_data["email"])
    if form.is_valid() and not has_address and needs_address(method_of(request.POST.get("method", ""))):
        form.add_error("email", NO_ADDRESS)
    return form


def key_of(form: FriendForm | None) -> str:
    """The key of a form that is filled as it must be; empty for any other."""
    return str(form.cleaned_data["key"]) if form is not None and form.is_valid() else ""


def is_unwarned(repeat: Repeat | None, form: FriendForm) -> bool:
    """Whether something was ordered just before that the page did not tell of when its form was sent."""
    return repeat is not None and form.cleaned_data["warned"] != repeat.marker


def order_as_friend(
    request: HttpRequest,
    *,
    friend: Friend,
    card: Card,
    plan_code: str,
    digest: str,
    form: FriendForm,
    user: User | None,
    now: datetime,
) -> HttpResponse:
    """Orders what was confirmed, lets this browser follow the order, and goes to pay. Raises like `order_renewal`."""
    order = order_renewal(
        card=card,
        plan_code=plan_code,
        digest=digest,
        actor=friend.actor,
        key=str(form.cleaned_data["key"]),
        payer=user,
        email=(user.mail_address if user else "") or form.cleaned_data["email"],
        language=get_language() or settings.LANGUAGE_CODE,
        channel=CHANNEL,
        now=now,
        giver=form.cleaned_data["giver"],
    )
    remember_order(request, order, now=now)
    access = OrderAccess(order=order, paid_for=renewal_of(order), user=user, sees_card=False)
    return start_paying(request, access, now=now)


def ask(
    request: HttpRequest,
    asked: Asked,
    *,
    now: datetime,
    form: FriendForm | None = None,
    has_changed: bool = False,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """The page that asks; with a new key unless the form that was sent has one that is not used."""
    context = {
        "now": now,
        "asked": asked,
        "repeat": asked.repeat,
        "plan_name": asked.plan.name_in(get_language() or "en"),
        "gives": what_it_gives(asked.plan, asked.terms),
        "policy": policy_sentences(CURRENT_POLICY),
        "choices": choices_for(
            payer_of(request),
            currency=asked.price.currency,
            now=now,
            choose=lambda _methods: method_of(request.POST.get("method", "")),
        ),
        "shown_in": currency_shown(request, now=now),
        "form": form or FriendForm(),
        "key": form.cleaned_data.get("key", uuid.uuid4()) if form else uuid.uuid4(),
        "has_changed": has_changed,
    }
    status = HTTPStatus.CONFLICT if has_changed else status
    return render(request, "web/friend_confirm.html", context, status=status)
