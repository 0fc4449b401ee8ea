# SPDX-License-Identifier: Apache-2.0
"""Telling somebody that a way into their account has changed, so that a change by somebody else is noticed."""

from typing import Final

from allauth.account.adapter import get_adapter
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tsuzuku.people.models import User

PASSKEY_ADDED: Final = "passkey-added"
PASSKEY_REMOVED: Final = "passkey-removed"
PHONE_SET: Final = "phone-set"
PHONE_REMOVED: Final = "phone-removed"
EMAIL_SET: Final = "email-set"

#: What is said of each, in whole sentences.
WHAT: dict[str, Promise] = {
    PASSKEY_ADDED: _("A passkey was added to your account. Whoever has the device can log in with it."),
    PASSKEY_REMOVED: _("A passkey was removed from your account. It opens nothing any more."),
    PHONE_SET: _("Your account has another phone number now. A code that is sent there opens it."),
    PHONE_REMOVED: _("The phone number was taken out of your account."),
    EMAIL_SET: _("Your account has another e-mail address now. What we write goes there."),
}


def tell_of_change(user: User, change: str, *, address: str | None = None) -> None:
    """Writes of a change to the account's address, or to the one that it had before; by SMS where there is none."""
    get_adapter().send_notification_mail("people/ways_in_changed", user, {"what": WHAT[change]}, email=address)
