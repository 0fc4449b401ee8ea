# SPDX-License-Identifier: Apache-2.0
"""Where a request comes from, for limits on guessing."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address: the one that our own proxy saw where there is one, else the other end of the connection.

    Only the last entry of X-Forwarded-For is our proxy's; what stands before it may be invented.
    """
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if _is_address(forwarded):
            return forwarded
    address: str = request.META.get("REMOTE_ADDR", "")
    return address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
