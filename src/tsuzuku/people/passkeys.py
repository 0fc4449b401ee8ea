# SPDX-License-Identifier: Apache-2.0
"""Passkeys of customers: another way in beside password and code, not a second step after them.

allauth's WebAuthn does the ceremony. Staff have none: their way is the password and the second factor.
"""

import ipaddress
from collections.abc import Sequence

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction
from django.http import HttpRequest

from tsuzuku.people.errors import TooManyPasskeys
from tsuzuku.people.models import User

#: Nobody has more devices than this.
PASSKEYS_MAX = 10
NAME_LENGTH_MAX = 40


def are_passkeys_possible(request: HttpRequest) -> bool:
    """Whether browsers make passkeys for this address: one with a name, and with TLS unless it is this machine."""
    host = request.get_host()
    name = host.rpartition(":")[0] if host.rpartition("]")[2].count(":") else host
    return name == "localhost" or (request.is_secure() and not _is_ip(name))


def passkeys_of(user: User) -> Sequence[Authenticator]:
    """Somebody's passkeys, oldest first. One query."""
    return list(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("pk"))


def keep_passkey(*, user: User, name: str, credential: dict[str, object]) -> Authenticator:
    """Keeps a passkey whose making was checked. Raises TooManyPasskeys."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if len(passkeys_of(user)) >= PASSKEYS_MAX:
            raise TooManyPasskeys(passkeys_max=PASSKEYS_MAX)
        made: Authenticator = WebAuthn.add(user, name[:NAME_LENGTH_MAX], credential).instance
    return made


def rename_passkey(*, passkey: Authenticator, name: str) -> None:
    """Calls it something else."""
    passkey.data["name"] = name[:NAME_LENGTH_MAX]
    passkey.save(update_fields=["data"])


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
