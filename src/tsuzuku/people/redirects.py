# SPDX-License-Identifier: Apache-2.0
"""Where a person may be sent on to after logging in or choosing something."""

from django.utils.http import url_has_allowed_host_and_scheme


def is_own_path(text: str) -> bool:
    """Whether an address is a path of ours: never another site, however it is written."""
    return text.startswith("/") and url_has_allowed_host_and_scheme(text, allowed_hosts=None)
