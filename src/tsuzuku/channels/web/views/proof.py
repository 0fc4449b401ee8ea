# SPDX-License-Identifier: Apache-2.0
"""Showing once more whose account it is: with the password, a passkey, or a code that is sent."""

import json
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from allauth.account.forms import ConfirmLoginCodeForm, ReauthenticateForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import ratelimit
from allauth.mfa.webauthn.internal import auth
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tsuzuku.channels.web.access import owner
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.channels.web.views.doors import own_path
from tsuzuku.people.errors import TooManyCodes
from tsuzuku.people.models import User
from tsuzuku.people.passkey_forms import ShowAgainForm
from tsuzuku.people.passkeys import are_passkeys_possible, passkeys_of
from tsuzuku.people.phone_numbers import veiled_number
from tsuzuku.people.proof import ProofByCode, has_proved_lately

View = Callable[..., HttpResponseBase]


def proved(view: View) -> View:
    """A page for who has lately shown whose account it is; everybody else shows it first, and comes back."""

    @wraps(view)
    @never_cache
    @login_required
    def asks_first(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if has_proved_lately(request):
            return view(request, *args, **kwargs)
        return redirect(f"{reverse('prove')}?{urlencode({'next': request.path}, safe='/')}")

    return asks_first


def customers_only(view: View) -> View:
    """A page that staff have no use for: they come in with their address, their password and their second factor."""

    @wraps(view)
    def refuses_staff(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return refuses_staff


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Asks for the password or a passkey, or offers to send a code."""
    user = owner(request)
    way = request.POST.get("way")
    password = ReauthenticateForm(request.POST if way == "password" else None, user=user)
    refused = False
    if request.method == "POST":
        if not ratelimit.consume(request, action="reauthenticate", user=user):
            return ratelimit.respond_429(request)
        if way == "password" and password.is_valid():
            reauthenticate_by_password(request)
            return redirect(_next(request))
        if way == "passkey":
            passkey = ShowAgainForm(request.POST, user=user)
            if passkey.is_valid():
                passkey.save()
                return redirect(_next(request))
            refused = True
        if way == "code":
            try:
                ProofByCode.begin(request, user)
            except TooManyCodes as refusal:
                messages.error(request, refusal_text(refusal))
            else:
                return redirect(f"{reverse('prove_code')}?{urlencode({'next': _next(request)}, safe='/')}")
    options = None
    if are_passkeys_possible(request) and passkeys_of(user):
        options = json.dumps(auth.begin_authentication(user))
    context = {
        "form": password if user.has_usable_password() else None,
        "options": options,
        "passkey_refused": refused,
        "address": _reached(user),
        "next": _next(request),
    }
    return render(request, "web/account/prove.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def prove_code(request: HttpRequest) -> HttpResponse:
    """Asks for the code that was sent."""
    user = owner(request)
    again = f"{reverse('prove')}?{urlencode({'next': _next(request)}, safe='/')}"
    process = ProofByCode.resume(request, user)
    if process is None:
        return redirect(again)
    form = ConfirmLoginCodeForm(request.POST if request.method == "POST" else None, code=process.code)
    if request.method == "POST":
        may_try = process.may_try()
        if may_try and form.is_valid():
            process.finish()
            return redirect(_next(request))
        if not process.record_invalid_attempt() or not may_try:
            process.abort()
            messages.error(request, _("Too many wrong tries. Ask for another code."))
            return redirect(again)
    context = {"form": form, "address": _reached(user), "next": _next(request), "again": again}
    return render(request, "web/account/prove_code.html", context)


def _reached(user: User) -> str:
    """Where codes for somebody go, as the page says it."""
    return user.email or veiled_number(user.phone or "")


def _next(request: HttpRequest) -> str:
    return own_path(request.POST.get("next") or request.GET.get("next") or "") or reverse("account")
