# SPDX-License-Identifier: Apache-2.0
"""Inboxes are emptied of what was told long ago, as the messages about it are.

What stays is that somebody was told a thing once, by which they do not hear it again while it lasts.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from tsuzuku.kernel import clock
from tsuzuku.reminders.models import Reminder
from tsuzuku.reminders.states import ENDED_STATES, FORGOTTEN

FORGET_OLD_REMINDERS: Final = "forget old reminders"
_PORTION: Final = 1_000


def forget_old_reminders() -> int:
    """Forgets what ended TSUZUKU_KEEP_MESSAGES_DAYS ago, a portion in a transaction; returns how many."""
    forgotten = 0
    while count := _forget_portion(now=clock.now()):
        forgotten += count
    return forgotten


def has_old_reminders(now: datetime) -> bool:
    """Whether a reminder is old enough to be forgotten."""
    return _old(now).exists()


def _forget_portion(*, now: datetime) -> int:
    with transaction.atomic():
        portion = _old(now).order_by("ended_at").select_for_update(skip_locked=True).values_list("pk", flat=True)
        return Reminder.objects.filter(pk__in=list(portion[:_PORTION])).update(state=FORGOTTEN, figures={})


def _old(now: datetime) -> QuerySet[Reminder]:
    kept_since = now - timedelta(days=settings.KEEP_MESSAGES_DAYS)
    return Reminder.objects.filter(state__in=sorted(ENDED_STATES), ended_at__lt=kept_since)
