# SPDX-License-Identifier: Apache-2.0
"""The second factor's pages: allauth's flows, for staff only, in the frame of the site and under its policy."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsuzuku.channels.console import door
from tsuzuku.channels.console.door import staff_of
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel import clock
from tsuzuku.people.events import SecondFactorSetUp
from tsuzuku.people.models import User
from tsuzuku.people.second_factor import has_second_factor
from tsuzuku.people.staff import staff_actor


class StaffOnly:
    """A page for staff who are logged in, with a second factor or without. To be named before allauth's view."""

    @method_decorator(never_cache)
    @method_decorator(login_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401  # allauth's
        staff_of(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # of the view beside it
        return response


class FactorShown(StaffOnly):
    """A page for staff who have shown their second factor lately: whoever gets its codes gets everything."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401  # allauth's
        if isinstance(request.user, User) and request.user.is_staff:
            away = door.turned_away(request) or door.asked_again(request)
            if away is not None:
                return away
        return super().dispatch(request, *args, **kwargs)


class CodeView(AuthenticateView):
    """Enter the code of the app, or a recovery code, on the way in."""

    template_name = "console/code.html"


class AskCodeAgainView(StaffOnly, CodeAgainView):
    """Enter a code again, before something that moves money or after a working day."""

    template_name = "console/code_again.html"

    def get_default_success_url(self) -> str:
        return reverse("admin:index")


class AskPasswordAgainView(StaffOnly, ReauthenticateView):
    """Enter the password again, before setting up a second factor."""

    template_name = "console/password_again.html"

    def get_default_success_url(self) -> str:
        return reverse("admin:index")


class SetUpView(StaffOnly, ActivateTOTPView):
    """Scan the QR with an app and enter its first code."""

    template_name = "console/set_up.html"

    def get_success_url(self) -> str:
        return reverse("mfa_view_recovery_codes")

    def form_valid(self, form: Form) -> HttpResponse:
        user = staff_of(self.request)
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record_facts([SecondFactorSetUp(subject=staff_actor(user))], actor=staff_actor(user), now=clock.now())
        factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
        # The first code was right, so this session has shown the factor; and whoever has it may see their codes.
        record_authentication(self.request, user, "mfa", id=factor.pk, type=factor.type, reauthenticated=True)
        return response


class CodesView(FactorShown, ViewRecoveryCodesView):
    """The recovery codes, once."""

    template_name = "console/recovery_codes.html"


class NewCodesView(FactorShown, GenerateRecoveryCodesView):
    """Other recovery codes in place of those that were."""

    template_name = "console/new_recovery_codes.html"


@never_cache
@login_required
@require_safe
def second_factor(request: HttpRequest) -> HttpResponse:
    """Whether there is one, and the way to other recovery codes. Another phone is for the operator to allow."""
    user = staff_of(request)
    if not has_second_factor(user):
        return redirect("mfa_activate_totp")
    return render(request, "console/second_factor.html")
