# SPDX-License-Identifier: Apache-2.0
"""Accounts: allauth's flows on our pages."""

from allauth.account import views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@login_required
@require_safe
def account_page(request: HttpRequest) -> HttpResponse:
    """Who is logged in, and what they can change."""
    return render(request, "web/account/account.html")


class LoginView(views.LoginView):
    """Log in."""

    template_name = "web/account/login.html"


class LogoutView(views.LogoutView):
    """Log out, after asking."""

    template_name = "web/account/logout.html"


class SignupView(views.SignupView):
    """Register."""

    template_name = "web/account/signup.html"


class VerifyView(views.ConfirmEmailVerificationCodeView):
    """Enter the code that was mailed to a new address."""

    template_name = "web/account/verify.html"


class ClosedView(views.AccountInactiveView):
    """The account was closed."""

    template_name = "web/account/closed.html"


class ChangePasswordView(views.PasswordChangeView):
    """Change the password."""

    template_name = "web/account/password.html"

    def get_default_success_url(self) -> str:
        return reverse("account")


class ForgotPasswordView(views.PasswordResetView):
    """Ask for a code by mail."""

    template_name = "web/account/forgot.html"


class ResetCodeView(views.ConfirmPasswordResetCodeView):
    """Enter the code."""

    template_name = "web/account/reset_code.html"


class NewPasswordView(views.CompletePasswordResetView):
    """Choose a new password."""

    template_name = "web/account/new_password.html"


class NewPasswordDoneView(views.PasswordResetFromKeyDoneView):
    """It is changed."""

    template_name = "web/account/new_password_done.html"
