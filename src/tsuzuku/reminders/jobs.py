# SPDX-License-Identifier: Apache-2.0
"""What this room listens to and does in the background."""

from collections.abc import Sequence
from typing import Any

from tsuzuku.allowances.events import LotStarted
from tsuzuku.balances.events import BalanceEndsSoon
from tsuzuku.cards.events import CardHeld
from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.messaging.events import AddressBounced
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.reminders.actions import forget_gone_devices
from tsuzuku.reminders.forgetting import FORGET_OLD_REMINDERS, forget_old_reminders, has_old_reminders
from tsuzuku.reminders.news import notice_ends_of_balances, notice_friends, notice_unusual
from tsuzuku.reminders.telling import has_reminders_to_tell, tell_reminders
from tsuzuku.reminders.watching import (
    LOOK_AT_CARDS,
    TELL_REMINDERS,
    has_cards_to_look_at,
    look_at_cards,
    touch,
)
from tsuzuku.renewals.events import AutomaticRenewalFailed, AutomaticRenewalSwitchedOff, RenewalActivated
from tsuzuku.usage.events import DataRanLow, LotsBegan, UsageDrifted, UsageUnusual

#: What may change what a card has, or what its holder must do for it.
_MOVES = {
    "reminders see cards held": CardHeld,
    "reminders see lots started": LotStarted,
    "reminders see lots begun": LotsBegan,
    "reminders see low data": DataRanLow,
    "reminders see corrections": UsageDrifted,
    "reminders see failed automatic renewals": AutomaticRenewalFailed,
    "reminders see automatic renewals switched off": AutomaticRenewalSwitchedOff,
}


def hear_moves(heard: Sequence[Heard[Any]]) -> None:
    """What cards have may have changed: have them looked at."""
    cards = {each.event.card_id for each in heard if each.event.card_id is not None}
    touch(card_ids=cards, now=clock.now())


def hear_renewals(heard: Sequence[Heard[RenewalActivated]]) -> None:
    """Cards have more than before, some of them by friends: have them looked at, and tell who holds those."""
    hear_moves(heard)
    notice_friends(renewal_ids=[each.event.renewal_id for each in heard], now=clock.now())


def hear_unusual(heard: Sequence[Heard[UsageUnusual]]) -> None:
    """Cards are used as they should not be: tell who holds them."""
    notice_unusual(events=[each.event for each in heard], now=clock.now())


def hear_ends_of_balances(heard: Sequence[Heard[BalanceEndsSoon]]) -> None:
    """Parts of balances end soon, and their owners were told by mail: tell them by the other ways."""
    notice_ends_of_balances(events=[each.event for each in heard], now=clock.now())


def hear_bounces(heard: Sequence[Heard[AddressBounced]]) -> None:
    """Browsers take no pushes any more: forget them."""
    pushes = [each.event for each in heard if each.event.address_kind == AddressKind.PUSH]
    forget_gone_devices(bounced_ids=[event.bounced_id for event in pushes])


for _name, _event in _MOVES.items():
    listen(name=_name, event_type=_event, hear=hear_moves, is_urgent=False)
listen(name="reminders see renewals", event_type=RenewalActivated, hear=hear_renewals, is_urgent=False)
listen(name="reminders see unusual use", event_type=UsageUnusual, hear=hear_unusual, is_urgent=False)
listen(name="reminders see ends of balances", event_type=BalanceEndsSoon, hear=hear_ends_of_balances, is_urgent=False)
listen(name="reminders see bounces", event_type=AddressBounced, hear=hear_bounces, is_urgent=False)
register_chore(name=LOOK_AT_CARDS, run=look_at_cards, is_due=has_cards_to_look_at)
register_chore(name=TELL_REMINDERS, run=tell_reminders, is_due=has_reminders_to_tell)
register_chore(name=FORGET_OLD_REMINDERS, run=forget_old_reminders, is_due=has_old_reminders)
