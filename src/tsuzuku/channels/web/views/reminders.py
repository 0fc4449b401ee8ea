# SPDX-License-Identifier: Apache-2.0
"""Reminders: what their links open, the inbox, how somebody wants to hear, and browsers that can be pushed to."""

from datetime import datetime, time
from http import HTTPStatus
from typing import Any

from babel.dates import get_timezone_location
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tsuzuku.channels.web.access import person
from tsuzuku.channels.web.forms import PreferencesForm, PushDeviceForm
from tsuzuku.kernel import clock
from tsuzuku.look.formats import active_locale
from tsuzuku.messaging.bounces import release_address
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.queries import bounced_addresses, can_send, push_key
from tsuzuku.people.browsers import this_browser
from tsuzuku.people.models import User
from tsuzuku.people.phone_numbers import shown_number
from tsuzuku.reminders.actions import (
    add_push_device,
    mark_read,
    remove_push_device,
    save_preferences,
    stop_mails,
)
from tsuzuku.reminders.errors import PushSubscriptionMalformed, UnsubscribeLinkForged
from tsuzuku.reminders.links import user_to_unsubscribe
from tsuzuku.reminders.queries import inbox_of, push_devices_of
from tsuzuku.reminders.rules import ZONES
from tsuzuku.reminders.ways import preferences_of

#: So many reminders are shown.
INBOX = 30
_DIGITS_MAX = 18


def _logged_in(request: HttpRequest) -> User:
    """Who is logged in, behind `login_required`."""
    user = person(request)
    if user is None:
        raise Http404
    return user


@never_cache
@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What somebody was reminded of. What they see is read from then on."""
    user, now = _logged_in(request), clock.now()
    entries = inbox_of(user, limit=INBOX)
    mark_read(user=user, reminder_ids=[entry.id for entry in entries if not entry.is_read], now=now)
    context = {"now": now, "entries": entries, "bounced": _bounced(user)}
    return render(request, "web/inbox.html", context)


def _bounced(user: User) -> list[tuple[str, str]]:
    """The addresses of somebody at which messages do not arrive: kind and address."""
    addresses = [(AddressKind.EMAIL, user.email or ""), (AddressKind.SMS, user.phone or "")]
    found = bounced_addresses([(kind, address) for kind, address in addresses if address])
    return [(each.kind, each.address) for each in found]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """How somebody wants to hear of their cards, and when not."""
    user, now = _logged_in(request), clock.now()
    if request.method == "POST":
        form = PreferencesForm(request.POST)
        if form.is_valid():
            save_preferences(user=user, **form.cleaned_data, now=now)
            messages.success(request, _("Saved."))
            return redirect("reminder_preferences")
        messages.error(request, _("Please choose times of the day and a place from the list."))
    return render(request, "web/reminder_preferences.html", _preferences_context(request, user, now=now))


def _preferences_context(request: HttpRequest, user: User, *, now: datetime) -> dict[str, Any]:
    here, devices = this_browser(request, now=now), push_devices_of(user)
    places = [(zone, get_timezone_location(zone, locale=active_locale(), return_city=True)) for zone in ZONES]
    return {
        "preferences": preferences_of([user])[user.pk],
        "phone": shown_number(user.phone) if user.phone else "",
        "carries_sms": can_send(AddressKind.SMS),
        "carries_push": can_send(AddressKind.PUSH),
        "push_key": push_key(),
        "devices": devices,
        # One that was added before a login ran out is offered again, so that it ends with the login of now.
        "known": [each.endpoint_hash for each in devices if here and each.browser_id == here.pk],
        "hours": [time(hour) for hour in range(24)],
        "places": places,
        "bounced": _bounced(user),
    }


@require_POST
@login_required
def try_address_again(request: HttpRequest) -> HttpResponse:
    """Lets messages go to an address of who is logged in again, as they say that it works."""
    kind, address = request.POST.get("kind", ""), request.POST.get("address", "")
    if (kind, address) in _bounced(_logged_in(request)):
        release_address(kind=AddressKind(kind), address=address)
        messages.success(request, _("We write there again."))
    return redirect("reminder_preferences")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, unsubscribe_token: str) -> HttpResponse:
    """What the link at the foot of a mail leads to: a page with one button, which mail programs can press themselves.

    They send a POST without anything of ours (RFC 8058), so the link alone must do, and it can do nothing else.
    """
    try:
        user = user_to_unsubscribe(unsubscribe_token)
    except UnsubscribeLinkForged:
        return render(request, "web/unsubscribe.html", {"is_unknown": True}, status=HTTPStatus.NOT_FOUND)
    if request.method == "POST":
        stop_mails(user=user)
    return render(request, "web/unsubscribe.html", {"gets_mails": preferences_of([user])[user.pk].by_email})


@require_POST
@login_required
def add_push(request: HttpRequest) -> HttpResponse:
    """Lets us push to this browser: `subscription` as the browser gave it out, and a `name` of the device."""
    form = PushDeviceForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    now = clock.now()
    try:
        add_push_device(
            user=_logged_in(request),
            browser=this_browser(request, now=now),
            **form.cleaned_data,
            language=get_language() or "en",
            now=now,
        )
    except PushSubscriptionMalformed:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@require_POST
@login_required
def remove_push(request: HttpRequest) -> HttpResponse:
    """Pushes no more to a browser: a page names its `device`, the browser itself its `endpoint`."""
    user, device = _logged_in(request), request.POST.get("device", "")
    if device.isascii() and device.isdecimal() and len(device) <= _DIGITS_MAX:
        remove_push_device(user=user, device_id=int(device))
        messages.success(request, _("Removed. Nothing is pushed there any more."))
        return redirect("reminder_preferences")
    remove_push_device(user=user, endpoint=request.POST.get("endpoint", ""))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
