# SPDX-License-Identifier: Apache-2.0
"""Cards to look at, what was told to whom, how people want to hear it, and browsers that can be pushed to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tsuzuku.cards.models import Card
from tsuzuku.journal.models import Waiting
from tsuzuku.people.models import Browser
from tsuzuku.reminders.rules import QUIET_FROM, QUIET_UNTIL, Kind
from tsuzuku.reminders.states import ENDED_STATES, REMINDER_STATES, TOLD, WAITING


class Watch(Waiting):
    """A card that somebody holds, and when to look at it next: the next moment at which something is worth saying."""

    card = models.OneToOneField(Card, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = (
            models.Index(
                fields=["next_attempt_at"], name="reminders_watch_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )


class Reminder(Waiting):
    """One thing that one person is to hear, once. What was told stays in their inbox."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    #: Null if it is not about a card.
    card = models.ForeignKey(Card, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    #: A rules.Kind.
    kind = models.TextField()
    #: Which time of its kind: a card as it was after a renewal, a day, a part of a balance.
    episode = models.TextField()
    state = models.TextField(default=WAITING)
    #: What it says, as figures; the words are made in the language of who reads it.
    figures = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    #: When it was told or dropped.
    ended_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            # Why nobody hears anything twice, whatever is repeated.
            models.UniqueConstraint(fields=["user", "kind", "episode"], name="reminders_reminder_once"),
            models.CheckConstraint(condition=Q(kind__in=[kind.value for kind in Kind]), name="reminders_reminder_kind"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(REMINDER_STATES.moves)), name="reminders_reminder_state"
            ),
            models.CheckConstraint(
                condition=Q(state=WAITING, next_attempt_at__isnull=False, ended_at__isnull=True)
                | (~Q(state=WAITING) & Q(next_attempt_at__isnull=True, ended_at__isnull=False)),
                name="reminders_reminder_waits",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_attempt_at"], name="reminders_reminder_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["user", "-ended_at"], name="reminders_reminder_inbox", condition=Q(state=TOLD)),
            models.Index(
                fields=["ended_at"], name="reminders_reminder_old", condition=Q(state__in=sorted(ENDED_STATES))
            ),
            models.Index(
                fields=["user"], name="reminders_reminder_unread", condition=Q(state=TOLD, read_at__isnull=True)
            ),
        )


class Preferences(models.Model):
    """How somebody wants to hear. Who never said anything has no row, and the defaults. The inbox has everything."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    by_email = models.BooleanField(default=True)
    by_sms = models.BooleanField(default=True)
    by_push = models.BooleanField(default=True)
    #: Whether they are told what a friend who renewed their card is called.
    names_friends = models.BooleanField(default=True, db_default=True)
    #: On the clocks of `zone`; the same time twice is no quiet hours.
    quiet_from = models.TimeField(default=QUIET_FROM)
    quiet_until = models.TimeField(default=QUIET_UNTIL)
    zone = models.TextField(default="Asia/Tokyo")


class PushDevice(models.Model):
    """A browser in which somebody allowed us to push. It lives here since reminders are all that is pushed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: Whoever logs out in it, or ends it from elsewhere, is pushed to in it no more.
    browser = models.ForeignKey(Browser, null=True, on_delete=models.CASCADE, related_name="+")
    #: SHA-256 of the endpoint in hex: an endpoint is as long as its service likes.
    endpoint_hash = models.CharField(max_length=64)
    #: The browser's PushSubscription as JSON; whoever has it and our key can push, so it is neither shown nor logged.
    subscription = models.TextField()
    #: What its owner calls the device.
    name = models.CharField(max_length=60, default="", db_default="", blank=True)
    #: In which its pages are read.
    language = models.CharField(max_length=12)
    added_at = models.DateTimeField()

    class Meta:
        constraints = (
            # A browser belongs to who logged in last.
            models.UniqueConstraint(fields=["endpoint_hash"], name="reminders_pushdevice_endpoint"),
        )
