# SPDX-License-Identifier: Apache-2.0
"""What sellers listen to and do in the background."""

from collections.abc import Sequence

from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.renewals.events import RenewalActivated, RenewalWithdrawn
from tsuzuku.sellers.delivering import has_webhooks_to_send, send_webhooks
from tsuzuku.sellers.notices import TELL_LOW_BALANCES, has_low_balances, tell_low_balances
from tsuzuku.sellers.webhooks import SEND_WEBHOOKS, announce_endings, forget_webhooks, has_webhooks_to_forget


def hear_activated(heard: Sequence[Heard[RenewalActivated]]) -> None:
    """Cards hold what was bought: tell partners who do not know yet.

    What became active in a partner's own call, by far the most, bears the partner's name and was answered there.
    """
    later = [each.event.renewal_id for each in heard if not each.actor.startswith("partner:")]
    announce_endings(renewal_ids=later, now=clock.now())


def hear_withdrawn(heard: Sequence[Heard[RenewalWithdrawn]]) -> None:
    """Renewals will never be activated: tell partners who do not know yet."""
    announce_endings(renewal_ids=[each.event.renewal_id for each in heard], now=clock.now())


# Most renewals of partners are active before their call is answered: the sweep is soon enough for the few others.
listen(name="sellers announce activation", event_type=RenewalActivated, hear=hear_activated, is_urgent=False)
listen(name="sellers announce withdrawal", event_type=RenewalWithdrawn, hear=hear_withdrawn)
register_chore(name=SEND_WEBHOOKS, run=send_webhooks, is_due=has_webhooks_to_send)
register_chore(name="forget webhooks", run=lambda: forget_webhooks(now=clock.now()), is_due=has_webhooks_to_forget)
register_chore(name=TELL_LOW_BALANCES, run=tell_low_balances, is_due=has_low_balances)
