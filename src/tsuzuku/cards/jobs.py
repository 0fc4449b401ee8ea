# SPDX-License-Identifier: Apache-2.0
"""Background work: forgets guesses that count no more."""

from tsuzuku.cards.guesses import forget_guesses, has_forgettable
from tsuzuku.journal.chores import register_chore


def register() -> None:
    """Makes the chore known; called once, when the application starts."""
    register_chore(name="forget PIN guesses", run=forget_guesses, is_due=has_forgettable)
