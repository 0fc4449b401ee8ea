# SPDX-License-Identifier: Apache-2.0
"""Accounts: allauth's flows on our pages."""

from typing import Any

from allauth.account import views
from allauth.account.adapter import get_adapter
from allauth.account.forms import SetPasswordForm, SignupForm
from allauth.account.internal.stagekit import clear_login
from allauth.account.mixins import RedirectAuthenticatedUserMixin
from allauth.account.stages import LoginByCodeStage, LoginStage
from allauth.account.utils import has_verified_email
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic.edit import FormView

from tsuzuku.channels.web.access import owner
from tsuzuku.channels.web.views.proof import proved
from tsuzuku.kernel import clock
from tsuzuku.people.models import User
from tsuzuku.people.passkeys import are_passkeys_possible
from tsuzuku.people.phone_numbers import shown_number
from tsuzuku.people.phones import are_phones_offered, count_try


@never_cache
@login_required
@require_safe
def account_page(request: HttpRequest) -> HttpResponse:
    """Who is logged in, and what they can change."""
    user = owner(request)
    context = {
        "phone": shown_number(user.phone) if user.phone else "",
        "are_phones_offered": are_phones_offered(),
        "has_password": user.has_usable_password(),
    }
    return render(request, "web/account/account.html", context)


def _ways_in(request: HttpRequest) -> dict[str, bool]:
    """What else to offer on the way in."""
    return {
        "are_passkeys_possible": are_passkeys_possible(request),
        "are_phones_offered": are_phones_offered(),
    }


class NotHeldByACode(RedirectAuthenticatedUserMixin):
    """A page to come in by another way, though a code was asked for. To be named before allauth's view."""

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> HttpResponseRedirect | None:
        if stage.key != LoginByCodeStage.key:
            return super()._redirect_to_pending_stage(request, stage)
        clear_login(request)
        return None


class TriesAreCounted(FormView):  # type: ignore[type-arg]  # allauth's views, which this stands before, name no form
    """A page for a code by mail whose tries are counted for the code: allauth counts them in the session alone.

    Sessions can be copied, and read by many requests at once. To be named before allauth's view.
    """

    #: allauth's, of another type in each view, and what is asked of it.
    _process: Any
    _action: str

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:  # noqa: ANN401  # Django's
        state = self._process.state
        # allauth writes both when it sends the first code, and keeps them for those that replace it. So all copies
        # have them in common, and sending again brings no new tries.
        if self._action == "verify" and not count_try(f"{state['email']} {state['at']}", now=clock.now()):
            state["failed_attempts"] = self._process.max_attempts
            return self.form_invalid(self.get_form())
        return super().post(request, *args, **kwargs)


class LoginView(NotHeldByACode, views.LoginView):
    """Log in."""

    template_name = "web/account/login.html"

    def get_context_data(self, **found: Any) -> dict[str, Any]:  # noqa: ANN401  # allauth's
        return {**super().get_context_data(**found), **_ways_in(self.request)}


class RequestCodeView(NotHeldByACode, views.RequestLoginCodeView):
    """Ask for a code by mail. The answer is the same whether there is an account or not, and a mail is sent."""

    template_name = "web/account/request_code.html"


class EnterCodeView(TriesAreCounted, views.ConfirmLoginCodeView):
    """Enter the code."""

    template_name = "web/account/enter_code.html"

    def form_valid(self, form: Form) -> HttpResponse:
        user = self._process.user
        if not has_verified_email(user):
            # Whoever registered the address never showed that it is theirs: their password must not open it now.
            user.set_unusable_password()
            user.save(update_fields=["password"])
        response: HttpResponse = super().form_valid(form)
        return response


class LogoutView(views.LogoutView):
    """Log out, after asking."""

    template_name = "web/account/logout.html"


class SignupView(views.SignupView):
    """Register. Neither the answer nor how long it takes tells whether an address has an account."""

    template_name = "web/account/signup.html"

    def get_context_data(self, **found: Any) -> dict[str, Any]:  # noqa: ANN401  # allauth's
        return {**super().get_context_data(**found), **_ways_in(self.request)}

    def form_valid(self, form: SignupForm) -> HttpResponse:
        if form.account_already_exists:
            # A new account's password is hashed, which takes long on purpose; so this one is, too.
            make_password(form.cleaned_data["password1"])
            return self._answer(form)
        try:
            with transaction.atomic():
                return self._answer(form)
        except IntegrityError:
            # Somebody registered the address after the form had looked for it.
            if not User.objects.filter(email=form.cleaned_data["email"]).exists():
                raise
            form.account_already_exists = True
            return self._answer(form)

    def _answer(self, form: SignupForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        return response


class VerifyView(TriesAreCounted, views.ConfirmEmailVerificationCodeView):
    """Enter the code that was mailed to a new address."""

    template_name = "web/account/verify.html"

    def form_valid(self, form: Form) -> HttpResponse:
        state = self._process.state
        mailed = state["code"]
        try:
            response: HttpResponse = super().form_valid(form)
        except ImmediateHttpResponse:
            if self.request.POST.get("action") != "resend":
                raise
            # Too soon after the last mail. What is said goes into the session, and with it would a code nobody has got.
            state["code"] = mailed
            messages.error(self.request, get_adapter().error_messages["rate_limited"])
            again = reverse("account_email_verification_sent")
            return redirect(self.passthrough_next_url(again))  # type: ignore[no-untyped-call]  # allauth's
        return response


class ClosedView(views.AccountInactiveView):
    """The account was closed."""

    template_name = "web/account/closed.html"


class ChangePasswordView(views.PasswordChangeView):
    """Change the password."""

    template_name = "web/account/password.html"

    def get_default_success_url(self) -> str:
        return reverse("account")


@sensitive_post_parameters("password1", "password2")
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """Choose a password without the old one: there is none, or it is forgotten, and a code has shown who it is."""
    user = owner(request)
    form = SetPasswordForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        adapter = get_adapter()
        adapter.set_password(user, form.cleaned_data["password1"])
        update_session_auth_hash(request, user)
        adapter.send_notification_mail("account/email/password_changed", user)
        adapter.add_message(request, messages.SUCCESS, "account/messages/password_changed.txt")
        return redirect("account")
    return render(request, "web/account/set_password.html", {"form": form})


class ForgotPasswordView(views.PasswordResetView):
    """Ask for a code by mail."""

    template_name = "web/account/forgot.html"

    def get_context_data(self, **found: Any) -> dict[str, Any]:  # noqa: ANN401  # allauth's
        return {**super().get_context_data(**found), **_ways_in(self.request)}


class ResetCodeView(TriesAreCounted, views.ConfirmPasswordResetCodeView):
    """Enter the code."""

    template_name = "web/account/reset_code.html"
    #: allauth has nothing else on this page.
    _action = "verify"


class NewPasswordView(views.CompletePasswordResetView):
    """Choose a new password."""

    template_name = "web/account/new_password.html"


class NewPasswordDoneView(views.PasswordResetFromKeyDoneView):
    """It is changed."""

    template_name = "web/account/new_password_done.html"
