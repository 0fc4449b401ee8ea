# SPDX-License-Identifier: Apache-2.0
"""The second factor of staff: allauth's codes by an app, sealed at rest, and when a session has last shown one.

A passkey (people/passkeys.py) is none: it opens a customer's account by itself.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

import segno
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tsuzuku.kernel.sealing import seal, unseal
from tsuzuku.people.models import User

_PURPOSE = "second factor"
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class MfaAdapter(DefaultMFAAdapter):
    """Named in the settings as MFA_ADAPTER."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is wrong, or it was used already. Wait for the next one."),
    }

    def is_mfa_enabled(self, user: AbstractBaseUser, types: Sequence[str] | None = None) -> bool:
        """Whether a login needs a second step. A passkey asks for none, whatever else has opened the account."""
        if types is None or set(types) != {Authenticator.Type.WEBAUTHN}:
            types = sorted(set(types or Authenticator.Type) - {Authenticator.Type.WEBAUTHN})
        return bool(super().is_mfa_enabled(user, types=types))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": self.request.get_host().partition(":")[0], "name": settings.BRAND_NAME}

    def get_totp_issuer(self) -> str:
        return settings.BRAND_NAME

    def build_totp_svg(self, url: str) -> str:
        return segno.make(url, error="m", micro=False).svg_inline(
            border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
        )

    def encrypt(self, text: str) -> str:
        sealed = seal(text, secret=settings.INSTALLATION_SECRET, purpose=_PURPOSE, belongs_to=_PURPOSE)
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        sealed = base64.b64decode(encrypted_text)
        return unseal(sealed, secret=settings.INSTALLATION_SECRET, purpose=_PURPOSE, belongs_to=_PURPOSE)


def set_up_second_factor(user: User, key: str) -> None:
    """Gives somebody codes by an app from this key, in base32. Known already is an IntegrityError."""
    TOTP.activate(user, key)


def has_second_factor(user: User) -> bool:
    """Whether somebody has set one up."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def second_factor_shown_at(request: HttpRequest, user: User) -> datetime | None:
    """When this session has last shown a second factor that the user still has; None if it never has. One query."""
    theirs = set(Authenticator.objects.filter(user=user, type__in=_FACTORS).values_list("pk", flat=True))
    records = get_authentication_records(request, user)
    shown = [each["at"] for each in records if each.get("method") == "mfa" and each.get("id") in theirs]
    return datetime.fromtimestamp(max(shown), UTC) if shown else None


def staff_with_second_factor() -> frozenset[int]:
    """Who of the staff has set one up."""
    factors = Authenticator.objects.filter(type=Authenticator.Type.TOTP, user__is_staff=True)
    return frozenset(factors.values_list("user_id", flat=True))
