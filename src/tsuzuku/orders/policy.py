# SPDX-License-Identifier: Apache-2.0
"""What payers are told of refunds before they pay. An order keeps the version that it was placed under.

Other words are another version: a version that orders hold stays as it is, in every language.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_VERSIONS: Final[Mapping[str, Sequence[Promise]]] = {
    "2026-11": (
        _("Once the renewal is active it cannot be refunded."),
        _("If it cannot be activated, your money comes back by itself."),
    ),
    "top-up-2026-11": (_("It cannot be paid out."),),
}
#: What is told now, and what before a balance is topped up.
CURRENT_POLICY: Final = "2026-11"
TOP_UP_POLICY: Final = "top-up-2026-11"


def policy_sentences(version: str) -> tuple[str, ...]:
    """A version in the language that is active; nothing for an order whose payer was told by somebody else."""
    return tuple(str(sentence) for sentence in _VERSIONS.get(version, ()))
