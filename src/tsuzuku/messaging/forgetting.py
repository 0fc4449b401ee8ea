# SPDX-License-Identifier: Apache-2.0
"""What was written to whom is not kept for ever.

Of an old message stays that there was one, what it belonged to and what became of it: by that it is never sent twice,
and whoever asks later whether a customer was told still gets an answer. What proves a sale are receipts, not mails.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from tsuzuku.kernel import clock
from tsuzuku.messaging.models import Message

FORGET_OLD_MESSAGES: Final = "forget old messages"
_PORTION: Final = 1_000


def forget_old_messages() -> int:
    """Empties messages that ended TSUZUKU_KEEP_MESSAGES_DAYS ago, a portion in a transaction; returns how many."""
    forgotten = 0
    while count := _forget_portion(now=clock.now()):
        forgotten += count
    return forgotten


def has_old_messages(now: datetime) -> bool:
    """Whether a message is old enough to be emptied."""
    return _old(now).exists()


def _forget_portion(*, now: datetime) -> int:
    with transaction.atomic():
        # Whoever takes a report about one of them at this moment has it first.
        portion = _old(now).order_by("ended_at").select_for_update(skip_locked=True).values_list("pk", flat=True)
        return Message.objects.filter(pk__in=list(portion[:_PORTION])).update(
            address="", subject="", text="", html="", link="", unsubscribe="", gateway_reference=""
        )


def _old(now: datetime) -> QuerySet[Message]:
    # Only what was emptied has no address.
    return Message.objects.filter(ended_at__lt=now - timedelta(days=settings.KEEP_MESSAGES_DAYS)).exclude(address="")
