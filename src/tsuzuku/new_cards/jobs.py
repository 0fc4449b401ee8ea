# SPDX-License-Identifier: Apache-2.0
"""What new cards listen to."""

from collections.abc import Sequence

from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.new_cards.actions import give_up, make_ready
from tsuzuku.new_cards.events import NewCardReady, ParcelShipped
from tsuzuku.new_cards.mails import tell_ready, tell_shipped
from tsuzuku.new_cards.parcels import forget_addresses, has_addresses_to_forget
from tsuzuku.renewals.events import RenewalActivated, RenewalWithdrawn


def hear_activated(heard: Sequence[Heard[RenewalActivated]]) -> None:
    """First plans are active: the cards are their buyers'."""
    make_ready(renewal_ids=[each.event.renewal_id for each in heard], now=clock.now())


def hear_withdrawn(heard: Sequence[Heard[RenewalWithdrawn]]) -> None:
    """First plans will not be given: the cards are free again, or retired."""
    give_up(renewal_ids=[each.event.renewal_id for each in heard], now=clock.now())


def hear_ready(heard: Sequence[Heard[NewCardReady]]) -> None:
    """Cards are their buyers': say how they are put to use."""
    tell_ready(new_card_ids=[each.event.new_card_id for each in heard], now=clock.now())


def hear_shipped(heard: Sequence[Heard[ParcelShipped]]) -> None:
    """Cards are in the post: say by which carrier."""
    tell_shipped(parcel_ids=[each.event.parcel_id for each in heard], now=clock.now())


listen(name="new cards get ready", event_type=RenewalActivated, hear=hear_activated)
listen(name="new cards are given up", event_type=RenewalWithdrawn, hear=hear_withdrawn)
listen(name="new cards tell buyers", event_type=NewCardReady, hear=hear_ready, is_urgent=False)
listen(name="new cards tell of parcels", event_type=ParcelShipped, hear=hear_shipped, is_urgent=False)
register_chore(name="forget postal addresses", run=forget_addresses, is_due=has_addresses_to_forget)
