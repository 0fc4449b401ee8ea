# SPDX-License-Identifier: Apache-2.0
"""Passkeys: logging in with one, and the account's list of them. allauth checks what browsers send."""

import json
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.ratelimit import respond_429
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import views
from allauth.mfa.webauthn.internal import auth, flows
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tsuzuku.channels.web.access import owner
from tsuzuku.channels.web.forms import PasskeyNameForm
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.channels.web.views.proof import customers_only, proved
from tsuzuku.people.devices import device_name
from tsuzuku.people.errors import TooManyPasskeys
from tsuzuku.people.limits import is_within_limit
from tsuzuku.people.notices import PASSKEY_ADDED, PASSKEY_REMOVED, tell_of_change
from tsuzuku.people.passkey_forms import LoginForm, MakeForm
from tsuzuku.people.passkeys import are_passkeys_possible, keep_passkey, passkeys_of, rename_passkey

#: Each begins a session; whole airports share an address.
QUESTIONS_A_MINUTE_MAX = 60


class LoginView(views.LoginWebAuthnView):
    """Log in with a passkey. A GET by our script gives what the browser signs."""

    form_class = LoginForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401  # allauth's
        if not is_within_limit(request, "passkey-question", a_minute_max=QUESTIONS_A_MINUTE_MAX):
            return respond_429(request)
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def form_valid(self, form: LoginForm) -> HttpResponse:
        passkey: Authenticator = form.cleaned_data["credential"]
        if passkey.user.is_staff:
            return self.form_invalid(form)
        login = Login(user=passkey.user, redirect_url=get_next_redirect_url(self.request))
        response: HttpResponse = flows.perform_passwordless_login(self.request, passkey, login)
        return response

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        messages.error(self.request, _("This passkey opens no account here. Log in another way."))
        return redirect("account_login")


@customers_only
@login_required
@never_cache
@require_http_methods(["GET", "HEAD"])
def passkeys_page(request: HttpRequest) -> HttpResponse:
    """Every passkey of an account, to be named and removed."""
    context = {"passkeys": passkeys_of(owner(request)), "are_possible": are_passkeys_possible(request)}
    return render(request, "web/account/passkeys.html", context)


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Makes a passkey on this device. What the browser made is checked before anything is kept."""
    user = owner(request)
    if not are_passkeys_possible(request):
        raise Http404
    if request.method == "POST":
        form = MakeForm(request.POST, user=user)
        if not form.is_valid():
            messages.error(request, _("The passkey could not be made. Please try again."))
            return redirect("add_passkey")
        try:
            keep_passkey(
                user=user,
                name=request.POST.get("name", "").strip() or _device(request),
                credential=form.cleaned_data["credential"],
            )
        except TooManyPasskeys as refusal:
            messages.error(request, refusal_text(refusal))
        else:
            tell_of_change(user, PASSKEY_ADDED)
            messages.success(request, _("The passkey is saved. From now on you can log in with it."))
        return redirect("passkeys")
    options = auth.begin_registration(user, passwordless=True)
    naming = PasskeyNameForm(initial={"name": _device(request)})
    return render(request, "web/account/add_passkey.html", {"form": naming, "options": json.dumps(options)})


@customers_only
@login_required
@require_POST
def name_passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Calls a passkey something else."""
    passkey = _theirs(request, passkey_id)
    form = PasskeyNameForm(request.POST)
    if form.is_valid():
        rename_passkey(passkey=passkey, name=form.cleaned_data["name"])
        messages.success(request, _("The name is saved."))
    else:
        messages.error(request, str(form.errors["name"][0]))
    return redirect("passkeys")


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def remove_passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Asks, then forgets a passkey; the device may still show it, but it opens nothing any more."""
    passkey = _theirs(request, passkey_id)
    if request.method != "POST":
        return render(request, "web/account/remove_passkey.html", {"passkey": passkey})
    passkey.delete()
    tell_of_change(owner(request), PASSKEY_REMOVED)
    messages.success(request, _("The passkey is removed."))
    return redirect("passkeys")


def _theirs(request: HttpRequest, passkey_id: int) -> Authenticator:
    for passkey in passkeys_of(owner(request)):
        if passkey.pk == passkey_id:
            return passkey
    raise Http404


def _device(request: HttpRequest) -> str:
    """What a passkey is called that nobody has named."""
    return device_name(get_adapter().get_http_user_agent(request)) or _("Passkey")
