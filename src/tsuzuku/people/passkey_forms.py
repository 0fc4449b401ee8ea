# SPDX-License-Identifier: Apache-2.0
"""allauth's forms for passkeys, by which rubbish in place of a browser's answer is refused like any wrong one.

Its parsers expect every field to be there and of its kind, and break at what is not.
"""

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import LoginWebAuthnForm, ReauthenticateWebAuthnForm, SignupWebAuthnForm

_BREAKS = (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error)


class MakeForm(SignupWebAuthnForm):
    """A passkey that was made."""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except _BREAKS as problem:
            raise get_adapter().validation_error("incorrect_code") from problem
        return cleaned


class LoginForm(LoginWebAuthnForm):
    """A passkey on the way in."""

    def clean_credential(self) -> Authenticator:
        return _shown(super().clean_credential)


class ShowAgainForm(ReauthenticateWebAuthnForm):
    """A passkey once more, later."""

    def clean_credential(self) -> Authenticator:
        return _shown(super().clean_credential)


def _shown(clean: Any) -> Authenticator:  # noqa: ANN401  # allauth's, untyped
    try:
        shown: Authenticator = clean()
    except _BREAKS as problem:
        raise get_adapter().validation_error("incorrect_code") from problem
    return shown
