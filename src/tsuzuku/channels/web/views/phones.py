# SPDX-License-Identifier: Apache-2.0
"""Coming in with a phone number and a code, and changing an account's number and address by a code that goes there."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from allauth.account.forms import ConfirmLoginCodeForm
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tsuzuku.channels.web.access import owner, person
from tsuzuku.channels.web.forms import AddressForm, PhoneForm
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.channels.web.views.doors import own_path
from tsuzuku.channels.web.views.proof import customers_only, proved
from tsuzuku.kernel import clock
from tsuzuku.people.errors import TooManyCodes, WayInTaken
from tsuzuku.people.new_ways import EMAIL, ENTER, PHONE, NewWay, Purpose, set_email
from tsuzuku.people.notices import EMAIL_SET, PHONE_REMOVED, PHONE_SET, WHAT, tell_of_change
from tsuzuku.people.phone_numbers import shown_number, suggested_region
from tsuzuku.people.phones import are_phones_offered, remove_phone, send_notice, set_phone, user_with_phone

ENTRANCE = "web/account/phone.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Asks for a mobile number. A code goes there, whether it has an account or gets one."""
    _offered()
    if person(request):
        return redirect("my_cards")
    return _ask_number(request, ENTER, ENTRANCE, then="enter_by_phone_code")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """Asks for the code, and lets its owner in; who is new gets an account."""
    _offered()
    if person(request):
        return redirect("my_cards")
    process, answer = _ask_code(request, ENTER, again="enter_by_phone")
    if process is None or answer is not None:
        return answer or redirect("enter_by_phone")
    language = get_language() or settings.LANGUAGE_CODE
    user = user_with_phone(phone=process.where, language=language, now=clock.now())
    record_authentication(request, user, method="code", phone=process.where)
    login = Login(user=user, redirect_url=get_next_redirect_url(request), email_verification="none")
    response: HttpResponse = perform_login(request, login)
    return response


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def change_phone(request: HttpRequest) -> HttpResponse:
    """Asks for the number that the account is to have."""
    _offered()
    return _ask_number(request, PHONE, "web/account/change_phone.html", then="change_phone_code")


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def change_phone_code(request: HttpRequest) -> HttpResponse:
    """Asks for the code, and keeps the number."""
    _offered()
    user = owner(request)
    process, answer = _ask_code(request, PHONE, again="change_phone")
    if process is None or answer is not None:
        return answer or redirect("change_phone")
    before = user.phone
    try:
        set_phone(user=user, phone=process.where, now=clock.now())
    except WayInTaken as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("change_phone")
    tell_of_change(user, PHONE_SET)
    if before and before != user.phone:
        _tell_number(before)
    messages.success(request, _("Your phone number is saved."))
    return redirect("account")


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest) -> HttpResponse:
    """Asks, then takes the number out of the account; not the last way into it."""
    user = owner(request)
    if not (user.phone and user.email):
        raise Http404
    if request.method != "POST":
        return render(request, "web/account/remove_phone.html", {"phone": shown_number(user.phone)})
    before = user.phone
    remove_phone(user=user)
    tell_of_change(user, PHONE_REMOVED)
    _tell_number(before)
    messages.success(request, _("The phone number is removed."))
    return redirect("account")


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def change_email(request: HttpRequest) -> HttpResponse:
    """Asks for the address that the account is to have."""
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        refused = _send(request, EMAIL, form.cleaned_data["email"].lower(), form, "email")
        if not refused:
            return redirect("change_email_code")
    return render(request, "web/account/change_email.html", {"form": form})


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def change_email_code(request: HttpRequest) -> HttpResponse:
    """Asks for the code, and keeps the address."""
    user = owner(request)
    process, answer = _ask_code(request, EMAIL, again="change_email")
    if process is None or answer is not None:
        return answer or redirect("change_email")
    before = user.email
    try:
        set_email(user=user, email=process.where)
    except WayInTaken as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("change_email")
    if before:
        tell_of_change(user, EMAIL_SET, address=before)
    elif user.phone:
        send_notice(user.phone, f"{WHAT[EMAIL_SET]} {settings.PUBLIC_URL}/account")
    messages.success(request, _("Your e-mail address is saved."))
    return redirect("account")


def _tell_number(before: str) -> None:
    """A number that opens an account no more is told so, too: perhaps somebody else took it out."""
    send_notice(before, _("This number was taken out of your %(brand)s account.") % {"brand": settings.BRAND_NAME})


def _offered() -> None:
    """Nothing of phones is there where nobody carries SMS."""
    if not are_phones_offered():
        raise Http404


def _ask_number(request: HttpRequest, purpose: Purpose, template: str, *, then: str) -> HttpResponse:
    region = suggested_region(
        accept_language=request.headers.get("Accept-Language", ""),
        language=get_language() or "",
        offered=settings.PHONE_COUNTRIES,
    )
    form = PhoneForm(request.POST if request.method == "POST" else None, initial={"country": region})
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        if not _send(request, purpose, form.cleaned_data["phone"], form, "number"):
            return redirect(_with_next(request, then))
        status = HTTPStatus.TOO_MANY_REQUESTS
    context = {"form": form, "next": _next(request)}
    return render(request, template, context, status=status)


def _send(request: HttpRequest, purpose: Purpose, where: str, form: forms.Form, field: str) -> bool:
    """Sends a code; whether that was refused, which the form says then."""
    try:
        NewWay.begin(request, purpose, where)
    except TooManyCodes as refusal:
        form.add_error(field, refusal_text(refusal))
        return True
    return False


def _ask_code(request: HttpRequest, purpose: Purpose, *, again: str) -> tuple[NewWay | None, HttpResponse | None]:
    """The code that was right, used up; else the answer: the page that asks for it, or the way back."""
    process = NewWay.resume(request, purpose)
    if process is None:
        return None, redirect(_with_next(request, again))
    form = ConfirmLoginCodeForm(request.POST if request.method == "POST" else None, code=process.code)
    may_try = request.method == "POST" and process.may_try()
    if may_try and form.is_valid():
        process.abort()
        return process, None
    if request.method == "POST" and not (process.record_invalid_attempt() and may_try):
        process.abort()
        messages.error(request, _("Too many wrong tries. Ask for another code."))
        return None, redirect(_with_next(request, again))
    where = process.where if purpose == EMAIL else shown_number(process.where)
    context: dict[str, Any] = {
        "form": form,
        "address": where,
        "next": _next(request),
        "again": _with_next(request, again),
    }
    return process, render(request, "web/account/prove_code.html", context)


def _next(request: HttpRequest) -> str:
    return own_path(request.POST.get("next") or request.GET.get("next") or "")


def _with_next(request: HttpRequest, name: str) -> str:
    following = _next(request)
    return f"{reverse(name)}?{urlencode({'next': following}, safe='/')}" if following else reverse(name)
