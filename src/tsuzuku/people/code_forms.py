# SPDX-License-Identifier: Apache-2.0
"""allauth's forms for a code of the second factor, by which each code is good once for as long as it could be right."""

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django.core.cache import cache

from tsuzuku.people.models import User


class CodeForm(AuthenticateForm):
    """On the way in."""

    def clean_code(self) -> str:
        return _used_first_time(self.user, super().clean_code())


class CodeAgainForm(ReauthenticateForm):
    """Once more, later."""

    def clean_code(self) -> str:
        return _used_first_time(self.user, super().clean_code())


def _used_first_time(user: User, code: str) -> str:
    """Refuses a code that was used. allauth remembers it for one period only, and we take those beside it, too."""
    periods = 2 * app_settings.TOTP_TOLERANCE + 1
    digits = "".join(code.split())
    if not cache.add(f"second-factor:{user.pk}:{digits}", "used", timeout=periods * app_settings.TOTP_PERIOD):
        raise get_adapter().validation_error("incorrect_code")
    return code
