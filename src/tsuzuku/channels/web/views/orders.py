# SPDX-License-Identifier: Apache-2.0
"""Orders: paying, the way from paid to online as it happens, giving up, and what was ordered before."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.balances.models import TopUp
from tsuzuku.balances.queries import top_ups_of_orders
from tsuzuku.cards.errors import CardLost, CardPastLastDate, CardSuspended
from tsuzuku.cards.friend_links import friend_link_token
from tsuzuku.cards.models import CardHolder
from tsuzuku.cards.queries import cards_of
from tsuzuku.cards.rules import check_can_renew
from tsuzuku.channels.web.access import OrderAccess, order_or_404, person, remember_order
from tsuzuku.channels.web.currencies import currency_shown
from tsuzuku.channels.web.forms import NO_ADDRESS, SLIPS_OVER, AddressForm
from tsuzuku.channels.web.instructions import show_instructions
from tsuzuku.channels.web.mixing import confirm_address
from tsuzuku.channels.web.new_cards import confirm_new
from tsuzuku.channels.web.order_stage import (
    MOVING_STAGES,
    Return,
    Stage,
    instructed_payment,
    look_again_after,
    method_to_offer,
    simple_stage,
    stage_of,
    telling_payment,
    told_by,
    unheard_payment,
    with_new_card,
)
from tsuzuku.channels.web.payers import payer_of
from tsuzuku.channels.web.paying import choices_for, method_of, needs_address
from tsuzuku.channels.web.refusals import CANNOT_NOW, refusal_text, refusal_text_of, try_later
from tsuzuku.channels.web.shares import share_context, take_share, what_was_ticked
from tsuzuku.channels.web.summaries import lot_rows, summarize
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import masked
from tsuzuku.new_cards.models import NewCard
from tsuzuku.new_cards.queries import new_card_of, new_cards_of_orders, parcel_of
from tsuzuku.new_cards.states import READY
from tsuzuku.orders.actions import cancel_order, keep_address
from tsuzuku.orders.errors import BalanceChanged, OrderNotPayable, OrderUnknown, TooManySlips, TooManyStarts
from tsuzuku.orders.keeping import gives_slips
from tsuzuku.orders.limits import count_start
from tsuzuku.orders.links import is_key_of, order_link
from tsuzuku.orders.models import Order
from tsuzuku.orders.payers import Came, Friend, friend_of
from tsuzuku.orders.policy import policy_sentences
from tsuzuku.orders.queries import order_by_number, orders_of_payer, was_held
from tsuzuku.orders.states import CANCELLED
from tsuzuku.payments.actions import start_payment
from tsuzuku.payments.asking import hurry
from tsuzuku.payments.errors import PaymentNotStarted, PaymentRefused
from tsuzuku.payments.methods import Shape, shape_of
from tsuzuku.payments.models import CaptureOutcome, Payment
from tsuzuku.payments.queries import offered_methods, payments_of, refunds_of, returns_only_payers
from tsuzuku.payments.states import REPLACED, STARTED
from tsuzuku.people.addresses import client_address
from tsuzuku.people.allauth_adapter import remember_language
from tsuzuku.reminders.links import link_token
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.renewals.gifts import name_for_payer, names_for_payers
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.price_lines import price_lines
from tsuzuku.renewals.queries import renewals_of_orders

ORDERS_ON_A_PAGE = 20
#: What a link of an order tells its page; providers add things of their own.
_PASSED_ON = ("back", "language")
#: An address that looked longer ago than this begins anew: somebody has opened it again.
_LOOKS_AT_MOST = timedelta(minutes=1)
#: As many digits as a moment in milliseconds has.
_DIGITS_MAX = 13


@never_cache
@require_safe
def order_page(request: HttpRequest, number: str) -> HttpResponse:
    """How an order stands, and what can be done about it."""
    now = clock.now()
    return _show(request, order_or_404(request, number, now=now), now=now)


def _show(request: HttpRequest, access: OrderAccess, *, now: datetime) -> HttpResponse:
    return render(request, "web/order.html", _context(request, access, now=now))


@never_cache
@require_safe
def open_order(request: HttpRequest, number: str, key: str, page: str = "order") -> HttpResponse:
    """Follows a link of an order to a page of it: from a mail, or back from a provider that opened another browser.

    A browser without a language of its own goes on in the order's. A wrong or old key opens nothing.
    """
    now = clock.now()
    passed_on = urlencode({name: request.GET[name] for name in _PASSED_ON if name in request.GET})
    response = redirect(f"{reverse(page, args=[number])}{passed_on and '?'}{passed_on}")
    with suppress(OrderUnknown):
        order = order_by_number(number)
        if is_key_of(order, key, now=now):
            remember_order(request, order, now=now)
            if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and order.language in dict(settings.LANGUAGES):
                remember_language(response, order.language)
    return response


@never_cache
@require_safe
def order_progress(request: HttpRequest, number: str) -> HttpResponse:
    """What has changed on the order's page from what was seen: why a payment failed, too, and how often it looks."""
    now = clock.now()
    access = order_or_404(request, number, now=now)
    context = _context(request, access, now=now)
    seen = request.GET.get("seen", "")
    if seen == context["seen"] and context["is_moving"]:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    # What stands there already is left alone: somebody may be filling it in.
    has_changed = seen.rpartition(".")[0] != context["told"]
    return render(request, "web/order_progress.html" if has_changed else "web/parts/poll.html", context)


def _context(request: HttpRequest, access: OrderAccess, *, now: datetime) -> dict[str, Any]:
    order, paid_for = access.order, access.paid_for
    payments, payer = payments_of(order.number), payer_of(request)
    payment, instructed = telling_payment(payments), instructed_payment(payments, now=now)
    came_back = _came_back(request)
    bought = new_card_of(order)
    stage = with_new_card(stage_of(order, paid_for, payments, came_back=came_back, now=now), bought)
    shown = show_instructions(instructed, payer=payer) if instructed and stage is Stage.INSTRUCTED else None
    looked_at = _looked_at(request, now=now)
    unheard = unheard_payment(payments, stage=stage, looked_at=looked_at, now=now)
    settled_at = None if isinstance(paid_for, TopUp) else paid_for.settled_at
    since = settled_at or (payment.created_at if payment else order.created_at)
    is_for_days = unheard is None and shown is not None and bool(shown.slips)
    again = look_again_after(looked_at if unheard else since, now=now, is_for_days=is_for_days)
    _ask_the_provider(payment if stage is Stage.CHECKING else instructed, stage=stage, came_back=came_back, now=now)
    if unheard is not None:
        hurry(unheard, now=now)
    choices = choices_for(
        payer,
        currency=order.currency,
        now=now,
        besides=instructed.method if instructed and shown else "",
        gives_slips=gives_slips(order.created_at, now=now),
        choose=lambda methods: method_of(request.POST.get("method", "")) or method_to_offer(payments, methods),
    )
    has_run_out = payment is not None and payment.state == STARTED and payment.has_run_out(now)
    refunds = [refund for refund in refunds_of(order.number) if refund.state != REPLACED]
    return {
        "now": now,
        "order": order,
        "stage": stage,
        "is_moving": stage in MOVING_STAGES or unheard is not None,
        "again_seconds": int(again.total_seconds()),
        "told": told_by(stage, payment),
        "seen": f"{told_by(stage, payment)}.{int(again.total_seconds())}",
        "looked_at": int(looked_at.timestamp() * 1000) if unheard else None,
        "came_back": came_back,
        "payment": payment,
        "address_form": None if order.email else _address_form(request),
        "shown": shown,
        "has_run_out": has_run_out,
        "can_be_shown_anew": has_run_out and payment is not None and method_of(choices.chosen) == payment.method,
        "choices": choices,
        "slips_over": SLIPS_OVER,
        "refunds": [refund for refund in refunds if refund.capture.outcome != CaptureOutcome.SURPLUS],
        "surplus": [refund for refund in refunds if refund.capture.outcome == CaptureOutcome.SURPLUS],
        "was_held": order.state == CANCELLED and was_held(order),
        "policy": policy_sentences(order.policy),
        "shown_in": currency_shown(request, now=now),
        **share_context(access, now=now),
        **what_was_ticked(request),
        **_about(access, bought, now=now),
    }


def _address_form(request: HttpRequest) -> AddressForm:
    """With what was typed before."""
    return AddressForm(initial={"email": request.POST.get("email", "")}, auto_id="pay_%s")


def _about(access: OrderAccess, bought: NewCard | None, *, now: datetime) -> dict[str, Any]:
    """What the order pays for, in words."""
    order, paid_for = access.order, access.paid_for
    if isinstance(paid_for, TopUp):
        return {"top_up": paid_for, "again": reverse("top_up"), "what": _("Balance top-up")}
    holder = CardHolder.objects.filter(user=access.user, card=paid_for.card_id).first() if access.user else None
    friend = None if access.sees_card else friend_of(order)
    allowance = card_allowance(paid_for.card_id, now=now)
    lots = lot_rows(allowance.lots)
    summary = summarize(paid_for.card, holder, allowance, now=now)
    language = get_language() or "en"
    plan_name = paid_for.name_in(language)
    return {
        "renewal": paid_for,
        "what": plan_name,
        "sees_card": access.sees_card,
        "again": _again(paid_for, bought) if friend is None else _again_as_friend(friend, paid_for),
        "card_name": name_for_payer(paid_for) if friend and friend.came is Came.LINK else summary.name,
        "new_card": bought,
        "parcel": parcel_of(bought),
        "lines": price_lines(order.lines, plan_name=plan_name, currency=order.currency, language=language),
        "summary": summary,
        "lots": lots,
        "runs_beside": any(row.runs_beside for row in lots),
    }


def _looked_at(request: HttpRequest, *, now: datetime) -> datetime:
    """Since when the page has been looking; from now on where that is not told, or long ago."""
    told = request.GET.get("since", "")
    milliseconds = int(told) if told.isascii() and told.isdecimal() and len(told) <= _DIGITS_MAX else 0
    since = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return since if timedelta() <= now - since <= _LOOKS_AT_MOST else now


def _again(renewal: Renewal, bought: NewCard | None) -> str:
    """Where the same is ordered anew; once a new card is its buyer's, another renewal of it."""
    if bought is not None and bought.state != READY:
        parcel = parcel_of(bought)
        return confirm_new(renewal.plan.code, parcel.country if parcel else "")
    return confirm_address(renewal.card.public_token, renewal.plan.code, renewal.terms.mix)


def _again_as_friend(friend: Friend, renewal: Renewal) -> str:
    """The same for somebody who came as a friend: the way by which they came."""
    if friend.came is Came.REMINDER:
        return reverse("open_reminder", args=[link_token(friend.id)])
    if friend.came is Came.LINK:
        return reverse("friend_link_confirm", args=[friend_link_token(friend.id), renewal.plan.code])
    return reverse("friend")


def _came_back(request: HttpRequest) -> Return:
    told = request.GET.get("back", "")
    return Return(told) if told in set(Return) else Return.BACK


def _ask_the_provider(payment: Payment | None, *, stage: Stage, came_back: Return, now: datetime) -> None:
    """Asks at once where somebody stands and waits: back from the provider, or with a code that they have scanned."""
    is_waited_for = came_back != Return.NONE or (stage is Stage.INSTRUCTED and _is_code(payment))
    if payment is not None and stage in {Stage.CHECKING, Stage.INSTRUCTED} and is_waited_for:
        hurry(payment, now=now)


def _is_code(payment: Payment | None) -> bool:
    return payment is not None and payment.shown is not None and bool(payment.shown.qr_text)


@require_POST
def pay(request: HttpRequest, number: str) -> HttpResponse:
    """Goes to the provider's page for an order that awaits its payment."""
    now = clock.now()
    return start_paying(request, order_or_404(request, number, now=now), now=now)


def start_paying(request: HttpRequest, access: OrderAccess, *, now: datetime) -> HttpResponse:
    """To the provider's page by the method that was chosen; to the order's page if that cannot be or need not be.

    Whoever has begun to pay too often is shown the order's page at once, with what they filled in.
    """
    order = access.order
    if not order.can_be_paid(now):
        return redirect("order", number=order.number)
    language = get_language() or settings.LANGUAGE_CODE
    page = order_link(order)
    try:
        # Since the order was placed the card may have been blocked or have seen its last day.
        if isinstance(access.paid_for, Renewal):
            check_can_renew(access.paid_for.card, now)
        to_pay = take_share(request, access, now=now)
        chosen = _chosen(request, order, now=now) if to_pay.amount_minor else None
        if chosen is None:
            return redirect("order", number=order.number)
        provider, method, email = chosen
        count_start(
            order=order,
            method=method,
            email=email,
            subject=access.limited_as,
            address=client_address(request),
            now=now,
        )
        if not order.email:
            keep_address(order, email)
        payment = start_payment(
            purpose=order.number,
            amount=to_pay,
            provider=provider,
            method=method,
            description=_description(access, language),
            order_number=order.number,
            return_url=f"{page}?back={Return.PAID if returns_only_payers(provider, method) else Return.BACK}",
            cancel_url=page,
            language=language,
            expires_at=order.expires_at,
            payer_email=order.email,
            keep_for=access.payer if "keep" in request.POST else None,
            now=now,
        )
    except PaymentRefused:
        return redirect("order", number=order.number)  # Which says so.
    except (TooManyStarts, TooManySlips) as too_many:
        messages.error(request, refusal_text(too_many))
        return try_later(_show(request, access, now=now), too_many)
    except (CardSuspended, CardLost, CardPastLastDate) as refusal:
        messages.error(request, refusal_text(refusal) if access.sees_card else CANNOT_NOW)
        return redirect("order", number=order.number)
    except (PaymentNotStarted, BalanceChanged, OrderNotPayable) as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("order", number=order.number)
    if not payment.redirect_url:  # It is paid by what the order's page shows.
        return redirect("order", number=order.number)
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": payment.redirect_url})


def _chosen(request: HttpRequest, order: Order, *, now: datetime) -> tuple[str, str, str] | None:
    """The provider and method to pay by, and where its payer reads mail, as far as is known.

    None, and a message that says why, if the one that was chosen cannot be had.

    Whoever chose a method before its provider went down is sent to another provider of it, if there is one.
    """
    method = method_of(request.POST.get("method", ""))
    offered = offered_methods(order.currency, now=now)
    if method in offered.unreachable:
        messages.error(request, refusal_text_of(PaymentNotStarted.code))
    if method not in offered.providers:
        return None
    if shape_of(method) is Shape.SLIP and not gives_slips(order.created_at, now=now):
        messages.error(request, SLIPS_OVER)
        return None
    if order.email or not needs_address(method):
        return offered.providers[method], method, order.email
    form = AddressForm(request.POST)
    if not form.is_valid():
        messages.error(request, NO_ADDRESS)
        return None
    return offered.providers[method], method, form.cleaned_data["email"]


def _description(access: OrderAccess, language: str) -> str:
    """What the payer reads on the provider's page."""
    if isinstance(access.paid_for, TopUp):
        return _("Balance top-up")
    renewal = access.paid_for
    if not access.sees_card:
        return f"{renewal.name_in(language)} · {name_for_payer(renewal)}"
    words = {"plan": renewal.name_in(language), "card": masked(renewal.card.iccid)}
    return _("%(plan)s for card %(card)s") % words


@require_POST
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Gives up an order that nobody has paid."""
    now = clock.now()
    access = order_or_404(request, number, now=now)
    try:
        if isinstance(access.paid_for, TopUp):
            cancel_order(number=access.order.number, actor=access.actor, now=now)
        else:
            cancel_renewal(number=access.order.number, actor=access.actor, now=now)
    except OrderNotPayable as refusal:
        messages.error(request, refusal_text(refusal))
    return redirect("order", number=access.order.number)


@never_cache
@login_required
@require_safe
def my_orders(request: HttpRequest) -> HttpResponse:
    """What somebody has ordered, newest first, each with the way to order it again."""
    now = clock.now()
    user = person(request)
    if user is None:
        return redirect("home")
    page = Paginator(orders_of_payer(user), ORDERS_ON_A_PAGE).get_page(request.GET.get("page"))
    holders = {holder.card_id: holder.name for holder in cards_of(user)}
    return render(request, "web/orders.html", {"now": now, "rows": _rows(list(page), holders, now=now), "page": page})


def _rows(orders: Sequence[Order], holders: Mapping[int, str], *, now: datetime) -> list[dict[str, Any]]:
    """Orders with what they pay for, in a number of queries that does not grow."""
    ids = [order.pk for order in orders]
    paid_for: dict[int, Renewal | TopUp] = {top_up.order_id: top_up for top_up in top_ups_of_orders(ids)}
    renewals = list(renewals_of_orders(ids))
    paid_for |= {renewal.order_id: renewal for renewal in renewals}
    named = names_for_payers(renewals)
    bought = new_cards_of_orders(ids)
    return [_row(order, paid_for[order.pk], bought.get(order.pk), holders, named, now=now) for order in orders]


def _row(
    order: Order,
    paid_for: Renewal | TopUp,
    bought: NewCard | None,
    holders: Mapping[int, str],
    named: Mapping[int, str],
    *,
    now: datetime,
) -> dict[str, Any]:
    row = {"order": order, "stage": simple_stage(order, paid_for, now=now)}
    if isinstance(paid_for, TopUp):
        return {**row, "what": _("Balance top-up"), "is_top_up": True}
    return {
        **row,
        "what": paid_for.name_in(get_language() or "en"),
        "renewal": paid_for,
        "again": _again(paid_for, bought),
        "new_card": bought,
        "card_name": holders.get(paid_for.card_id) or named[paid_for.pk],
        "is_held": paid_for.card_id in holders,
    }
