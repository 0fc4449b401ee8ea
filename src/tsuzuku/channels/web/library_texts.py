# SPDX-License-Identifier: Apache-2.0
"""What Django's forms say on our pages and has no Chinese of, or in other words than ours.

Naming it here puts it among our texts, which come before Django's.
"""

from django.utils.translation import gettext_noop, ngettext_lazy

LIBRARY_TEXTS = (
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    gettext_noop("Enter a valid email address."),
)
