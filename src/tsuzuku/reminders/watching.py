# SPDX-License-Identifier: Apache-2.0
"""Looking at cards at the moments at which something may be worth saying, and only then.

A card that somebody holds has a row with the next such moment. Time alone moves it on; whatever else changes what a
card has (a renewal, a tap, data that runs out) is told by facts, and sets it to now. So what is done grows with what
is due, not with how many cards there are, and a fact that is told twice or late costs a look and nothing else.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from tsuzuku.journal import statements
from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import due, work_off_together
from tsuzuku.reminders.models import Reminder, Watch
from tsuzuku.reminders.rules import episode_of, kinds_due, next_look
from tsuzuku.reminders.situations import holders_of, situations_of
from tsuzuku.reminders.states import PASSED, WAITING

LOOK_AT_CARDS: Final = "look at cards to remind of"
TELL_REMINDERS: Final = "tell reminders"
_PORTION = 500

#: Has cards looked at now, those that somebody holds.
_TOUCH = """
    INSERT INTO reminders_watch AS watch (card_id, next_attempt_at)
    SELECT card_id, %(now)s::timestamptz
      FROM unnest(%(cards)s::bigint[]) AS touched(card_id)
     WHERE EXISTS (SELECT FROM cards_cardholder AS holder WHERE holder.card_id = touched.card_id)
     GROUP BY card_id
     ORDER BY card_id
    ON CONFLICT (card_id) DO UPDATE SET next_attempt_at = least(watch.next_attempt_at, excluded.next_attempt_at)
"""


def touch(*, card_ids: Collection[int], now: datetime) -> None:
    """Has cards looked at: what they have may have changed. Cards that nobody holds are left alone."""
    if statements.execute(_TOUCH, {"cards": sorted(card_ids), "now": now}):
        wake(LOOK_AT_CARDS)


def look_at_cards() -> int:
    """Looks at every card that is due, a portion in a transaction. Returns how many."""
    return work_off_together(Watch.objects.all(), _look, portion=_PORTION)


def has_cards_to_look_at(now: datetime) -> bool:
    """Whether a card is due."""
    return due(Watch.objects.all(), now=now).exists()


#: When cards are looked at next, from one array for each column.
_MOVE_ON = """
    UPDATE reminders_watch AS watch
       SET next_attempt_at = new.next_at, attempts = 0
      FROM unnest(%(cards)s::bigint[], %(times)s::timestamptz[]) AS new(card_id, next_at)
     WHERE watch.card_id = new.card_id
"""


def _look(watches: Sequence[Watch], now: datetime) -> None:
    """Notes what holders of these cards are to hear, and when to look again."""
    statements.by_index()
    situations = situations_of([watch.card_id for watch in watches], now=now)
    found = {card_id: kinds for card_id, each in situations.items() if (kinds := kinds_due(each, now=now))}
    holders = holders_of(found)
    notice(
        [
            Reminder(
                user_id=holder.user_id,
                card_id=card_id,
                kind=kind,
                episode=episode_of(card_id, situations[card_id].outlook),
                found_at=now,
                next_attempt_at=now,
            )
            for card_id, kinds in found.items()
            for holder in holders[card_id]
            for kind in kinds
        ],
        now=now,
    )
    cards = list(situations)
    times = [next_look(situations[card_id], now=now) for card_id in cards]
    statements.execute(_MOVE_ON, {"cards": cards, "times": times})


#: What passed untold before somebody could hear it, and has come true again.
_AGAIN = """
    UPDATE reminders_reminder AS reminder
       SET state = %(waiting)s, next_attempt_at = %(now)s, ended_at = NULL, attempts = 0
      FROM (SELECT id
              FROM reminders_reminder
              JOIN unnest(%(users)s::bigint[], %(kinds)s::text[], %(episodes)s::text[])
                   AS noted(user_id, kind, episode) USING (user_id, kind, episode)
             WHERE state = %(passed)s
             ORDER BY id
               FOR NO KEY UPDATE OF reminders_reminder) AS passed
     WHERE reminder.id = passed.id
"""


def notice(reminders: Sequence[Reminder], *, now: datetime) -> None:
    """Notes what people are to hear, in the caller's transaction. What waits, or was told, is left as it is."""
    if reminders:
        in_order = sorted(reminders, key=lambda each: (each.user_id, each.kind, each.episode))
        Reminder.objects.bulk_create(in_order, ignore_conflicts=True)
        noted = {
            "users": [each.user_id for each in in_order],
            "kinds": [str(each.kind) for each in in_order],
            "episodes": [each.episode for each in in_order],
        }
        statements.execute(_AGAIN, noted | {"waiting": WAITING, "passed": PASSED, "now": now})
        wake(TELL_REMINDERS)
