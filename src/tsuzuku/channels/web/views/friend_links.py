# SPDX-License-Identifier: Apache-2.0
"""Links for friends: whoever may act for a card makes and ends them; whoever follows one can renew the card."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tsuzuku.cards.errors import FriendLinkOver, FriendLinkUnknown, TooManyFriendLinks
from tsuzuku.cards.friend_links import (
    end_friend_link,
    followed_link,
    friend_link_address,
    make_friend_link,
    open_friend_links,
)
from tsuzuku.cards.models import FriendLink
from tsuzuku.cards.qr import qr_svg
from tsuzuku.cards.queries import holds
from tsuzuku.catalog.errors import PlanUnknown
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import card_or_404, opened_orders, person
from tsuzuku.channels.web.forms import FriendLinkForm
from tsuzuku.channels.web.refusals import CANNOT_NOW, refusal_text, try_later
from tsuzuku.channels.web.repeats import repeat_on_card
from tsuzuku.channels.web.views.friend_pages import (
    Asked,
    ask,
    is_unwarned,
    key_of,
    list_context,
    order_as_friend,
    sent_form,
)
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.look import formats
from tsuzuku.orders.errors import TooManyOrders
from tsuzuku.orders.limits import count_order
from tsuzuku.orders.payers import Came, Friend
from tsuzuku.people.addresses import client_address
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.quotes import Quote, offers_for, quote_renewal


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def links_page(request: HttpRequest, token: str) -> HttpResponse:
    """The open links of a card, each as an address, a QR code and a text to send; and a form that makes one."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    form = FriendLinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            make_friend_link(
                card=access.card,
                user=access.user if access.holder else None,
                shown_name=form.cleaned_data["name"],
                days=form.cleaned_data["days"],
                now=now,
            )
        except TooManyFriendLinks as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, _("The link is made. Send it to whoever shall renew your card."))
            return redirect("friend_links", token=token)
    links = [_shown(link) for link in open_friend_links(access.card, now=now)]
    context = {"now": now, "access": access, "card": access.card, "links": links, "form": form}
    return render(request, "web/friend_links.html", context)


def _shown(link: FriendLink) -> dict[str, Any]:
    address = friend_link_address(link)
    text = _(
        "Please renew my travel SIM for Japan: %(address)s You choose a plan and pay your own way; my card itself "
        "stays hidden. The link works until %(end)s (Japan time)."
    )
    return {
        "link": link,
        "address": address,
        "qr": qr_svg(address, title=_("QR code of the link")),
        "text": text % {"address": address, "end": formats.until(link.ends_at)},
    }


@require_POST
def end_link(request: HttpRequest, token: str, link_id: int) -> HttpResponse:
    """Ends a link of a card, whoever made it; one that has ended is ended."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    try:
        end_friend_link(card=access.card, link_id=link_id, now=now)
    except FriendLinkUnknown:
        messages.info(request, _("This link has ended already."))
    else:
        messages.success(request, _("The link is ended. Nobody can follow it any more."))
    return redirect("friend_links", token=token)


@never_cache
@require_safe
def follow(request: HttpRequest, link_token: str) -> HttpResponse:
    """What a link opens: the plans that its card can take, with prices."""
    now, user = clock.now(), person(request)
    try:
        link = followed_link(link_token, now=now)
    except (FriendLinkUnknown, FriendLinkOver) as refusal:
        return _over(request, refusal)
    if user is not None and holds(user, link.card):
        return redirect("plans", token=link.card.public_token)
    offers = [offer for offer in offers_for(link.card, channel=CHANNEL, now=now, payer=user) if offer.refused is None]
    context = list_context(
        request, offers, lambda code: reverse("friend_link_confirm", args=[link_token, code]), now=now
    )
    return render(request, "web/friend_plans.html", {**context, "shown_name": link.shown_name, "cannot": CANNOT_NOW})


def _over(request: HttpRequest, refusal: FriendLinkUnknown | FriendLinkOver) -> HttpResponse:
    is_unknown = isinstance(refusal, FriendLinkUnknown)
    status = HTTPStatus.NOT_FOUND if is_unknown else HTTPStatus.GONE
    return render(request, "web/friend_over.html", {"is_unknown": is_unknown}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow_confirm(request: HttpRequest, link_token: str, plan_code: str) -> HttpResponse:
    """Shows a plan and its price to who has a link, and on a yes orders it and goes to pay."""
    now, user = clock.now(), person(request)
    try:
        link = followed_link(link_token, now=now)
        quote = quote_renewal(link.card, plan_code, channel=CHANNEL, now=now, payer=user)
    except (FriendLinkUnknown, FriendLinkOver) as refusal:
        return _over(request, refusal)
    except PlanUnknown as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("friend_link", link_token=link_token)
    except DomainError:
        messages.error(request, _("The card cannot take this plan now. These are the plans that it can take."))
        return redirect("friend_link", link_token=link_token)
    return _confirm(request, link, quote, link_token)


def _confirm(request: HttpRequest, link: FriendLink, quote: Quote, link_token: str) -> HttpResponse:
    now, user, friend = clock.now(), person(request), Friend(Came.LINK, link.pk)
    form = sent_form(request, user)
    own, key = opened_orders(request, now=now), key_of(form)
    repeat = repeat_on_card(link.card, quote.plan, actor=friend.actor, key=key, own=own, now=now)

    def asked(quote: Quote) -> Asked:
        return Asked(
            plan=quote.plan,
            terms=quote.terms,
            price=quote.price,
            digest=quote.digest,
            repeat=repeat,
            plans=reverse("friend_link", args=[link_token]),
            shown_name=link.shown_name,
        )

    if form is None or not form.is_valid():
        return ask(request, asked(quote), form=form, now=now)
    if is_unwarned(repeat, form):
        return ask(request, asked(quote), form=form, status=HTTPStatus.CONFLICT, now=now)
    try:
        count_order(subject=f"card:{link.card_id}", address=client_address(request), now=now)
        return order_as_friend(
            request,
            friend=friend,
            card=link.card,
            plan_code=quote.plan.code,
            digest=form.cleaned_data["digest"],
            form=form,
            user=user,
            now=now,
        )
    except QuoteChanged as changed:
        return ask(request, asked(changed.quote), form=form, has_changed=True, now=now)
    except KeyReused:
        return ask(request, asked(quote), has_changed=True, now=now)
    except TooManyOrders as too_many:
        messages.error(request, refusal_text(too_many))
        return try_later(ask(request, asked(quote), form=form, now=now), too_many)
