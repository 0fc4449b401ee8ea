# SPDX-License-Identifier: Apache-2.0
"""Telling people what was noted for them: not in their quiet hours, not if it is no longer true, the gravest only.

A reminder is told by putting it into its reader's inbox and queueing its messages, in one transaction: who dies in the
middle has told nothing, and what is repeated finds nothing to tell.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from tsuzuku.cards.models import CardHolder
from tsuzuku.journal.claims import due
from tsuzuku.kernel import clock
from tsuzuku.kernel.retries import retry_after
from tsuzuku.payments.balance import spendable_among
from tsuzuku.payments.models import BalancePart
from tsuzuku.people.models import User
from tsuzuku.reminders.messages import send_reminder
from tsuzuku.reminders.models import Preferences, Reminder
from tsuzuku.reminders.rules import NEWS_LAST, Kind, Situation, episode_of, gravest, is_still_true, quiet_end
from tsuzuku.reminders.situations import holders_of, situations_of
from tsuzuku.reminders.states import DROPPED, PASSED, REMINDER_STATES, TOLD
from tsuzuku.reminders.ways import preferences_of, ways_to

log = logging.getLogger(__name__)
#: People who are told in one transaction.
_PORTION = 100


def tell_reminders() -> int:
    """Tells everything that is due. Returns how many reminders were told, dropped or put off."""
    done = 0
    while count := _tell_portion(limit=_PORTION):
        done += count
    return done


def has_reminders_to_tell(now: datetime) -> bool:
    """Whether somebody is to hear something."""
    return due(Reminder.objects.all(), now=now).exists()


def _tell_portion(*, limit: int) -> int:
    now = clock.now()
    users: list[User] = []
    try:
        with transaction.atomic():
            users = _lock_readers(limit, now=now)
            rows = _due_of(users, now=now)
            _tell(rows, users, now=now)
            return len(rows)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if not users:
            raise
        if limit > 1:
            return sum(_tell_portion(limit=1) for _ in users)
        log.exception("user %s could not be reminded", users[0].pk)
        rows = _due_of(users, now=now)
        for row in rows:
            again = now + retry_after(row.attempts + 1)
            Reminder.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, next_attempt_at=again)
        return len(rows)


def _lock_readers(limit: int, *, now: datetime) -> list[User]:
    """Locks people who are to hear something, so that nobody else tells them at the same moment."""
    readers = due(Reminder.objects.all(), now=now).order_by("next_attempt_at", "pk").values_list("user_id", flat=True)
    users = User.objects.filter(pk__in=set(readers[:limit])).order_by("pk")
    return list(users.select_for_update(skip_locked=True, no_key=True))


def _due_of(users: Sequence[User], *, now: datetime) -> list[Reminder]:
    waiting = due(Reminder.objects.filter(user__in=[user.pk for user in users]), now=now)
    return list(waiting.order_by("user_id", "pk"))


def _tell(rows: Sequence[Reminder], users: Sequence[User], *, now: datetime) -> None:
    preferences = preferences_of(users)
    ways = ways_to(users, preferences)
    quiet = {user.pk: _quiet_end(preferences[user.pk], now=now) for user in users}
    loud = [row for row in rows if quiet[row.user_id] is None]
    for row in rows:
        row.next_attempt_at = quiet[row.user_id]
    cards = {row.card_id for row in loud if row.card_id is not None}
    situations = situations_of(cards, now=now)
    holders = {(each.user_id, each.card_id): each for of_card in holders_of(cards).values() for each in of_card}
    people = {user.pk: user for user in users}
    # What friends have done is told each time; of the rest, one thing of one card.
    together: dict[tuple[int, int | None, int | None], list[Reminder]] = defaultdict(list)
    for row in loud:
        together[row.user_id, row.card_id, row.pk if row.kind == Kind.FRIEND_RENEWED else None].append(row)
    for (user_id, card_id, _apart), about_one in together.items():
        holder = holders.get((user_id, card_id)) if card_id is not None else None
        situation = situations.get(card_id) if card_id is not None else None
        true = {Kind(row.kind): row for row in about_one if _is_true(row, holder, situation, now=now)}
        kind = gravest(true)
        told = None if kind is None else true[kind]
        for row in about_one:
            state = TOLD if row is told else DROPPED if row in true.values() else PASSED
            REMINDER_STATES.check_move(row.state, state)
            row.state, row.ended_at = state, now
        if told is not None:
            send_reminder(told, people[user_id], ways[user_id], holder, now=now)
    Reminder.objects.bulk_update(rows, ["state", "figures", "ended_at", "next_attempt_at"])


def _quiet_end(preferences: Preferences, *, now: datetime) -> datetime | None:
    return quiet_end(
        now,
        quiet_from=preferences.quiet_from,
        quiet_until=preferences.quiet_until,
        zone=ZoneInfo(preferences.zone),
    )


def _is_true(row: Reminder, holder: CardHolder | None, situation: Situation | None, *, now: datetime) -> bool:
    """Whether a reminder is still true; then with its figures as they are now."""
    if row.kind == Kind.BALANCE_ENDS:
        return _renew_balance(row, now=now)
    if holder is None or situation is None:
        return False
    if row.kind == Kind.FRIEND_RENEWED:
        return True
    outlook = situation.outlook
    row.figures |= {
        "version": outlook.version,
        "until": outlook.online_until and outlook.online_until.isoformat(),
        "left": outlook.left,
        "waits_for_tap": outlook.waits_for_tap,
    }
    if row.kind == Kind.UNUSUAL:
        return now < row.found_at + NEWS_LAST
    is_same = row.episode == episode_of(holder.card_id, outlook)
    return is_same and is_still_true(Kind(row.kind), situation, now=now)


def _renew_balance(row: Reminder, *, now: datetime) -> bool:
    spendable = spendable_among([row.figures["part_id"]], now=now)
    part = BalancePart.objects.filter(pk__in=spendable, expires_at__isnull=False).first()
    if part is None or part.expires_at is None:
        return False
    row.figures |= {"amount_minor": part.left_minor, "until": part.expires_at.isoformat()}
    return True
