# SPDX-License-Identifier: Apache-2.0
"""Who gets into the console: staff who have shown their second factor in this session, and nobody else."""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url

from tsuzuku.kernel import clock
from tsuzuku.people.models import User
from tsuzuku.people.second_factor import has_second_factor, second_factor_shown_at

#: A working day; then the code is asked for again.
SHOWN_HOLDS = timedelta(hours=12)
#: What moves money asks for a code that was shown this lately.
SHOWN_LATELY = timedelta(minutes=15)

#: Pages run no script at all and ask no other host for anything. Icons are a font of ours.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def staff_of(request: HttpRequest) -> User:
    """The member of staff who asks; they were let in. Raises PermissionDenied for everybody else."""
    user = request.user
    if isinstance(user, AnonymousUser) or not (user.is_active and user.is_staff):
        raise PermissionDenied
    return user


def turned_away(request: HttpRequest) -> HttpResponse | None:
    """Where somebody has to go first; None for who may come in. Raises PermissionDenied for customers."""
    if isinstance(request.user, AnonymousUser):
        return _first(settings.LOGIN_URL, request.get_full_path())
    user = staff_of(request)
    shown_at = second_factor_shown_at(request, user)
    if shown_at is not None and clock.now() - shown_at < SHOWN_HOLDS:
        return None
    return _first("mfa_reauthenticate" if has_second_factor(user) else "mfa_activate_totp", request.get_full_path())


def asked_again(request: HttpRequest) -> HttpResponse | None:
    """Where somebody goes who has not shown their second factor lately enough to move money; None if they have."""
    shown_at = second_factor_shown_at(request, staff_of(request))
    if shown_at is not None and clock.now() - shown_at < SHOWN_LATELY:
        return None
    return _first("mfa_reauthenticate", request.get_full_path())


def _first(place: str, then: str) -> HttpResponse:
    return redirect(f"{resolve_url(place)}?{urlencode({'next': then})}")
