# SPDX-License-Identifier: Apache-2.0
"""What this room does in the background."""

from tsuzuku.journal.chores import register_chore
from tsuzuku.kernel import clock
from tsuzuku.usage import watching

register_chore(
    name="draw usage of cards that appeared",
    run=lambda: watching.look_for_cards(now=clock.now()),
    is_due=watching.should_look_for_cards,
)
register_chore(
    name="find tenfold usage",
    run=lambda: watching.look_for_tenfold_days(now=clock.now()),
    is_due=watching.should_look_for_tenfold_days,
)
register_chore(
    name="tend months of usage",
    run=lambda: watching.tend_months(now=clock.now()),
    is_due=watching.should_tend_months,
)
