# SPDX-License-Identifier: Apache-2.0
"""Partners, their API keys, and the webhooks that are to tell them something."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tsuzuku.journal.models import Waiting
from tsuzuku.renewals.models import Renewal
from tsuzuku.sellers.states import DELIVERED, PENDING, WEBHOOK_STATES

#: What a key may do in a second unless told otherwise.
CALLS_PER_SECOND = 5000


class Partner(models.Model):
    """Somebody who renews cards through the API and pays from an account with us."""

    name = models.CharField(max_length=64)
    #: Where notices go; "" for nowhere.
    email = models.CharField(max_length=254, default="", blank=True)
    #: Of the notices; a tag as Django writes it.
    language = models.CharField(max_length=16, default="en")
    #: Every card of the brand is this partner's to renew; else those of its card groups.
    all_cards = models.BooleanField(default=False)
    card_groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    #: Below this balance the partner is told, once until a top-up lifts it again; null: never.
    low_balance_minor = models.BigIntegerField(null=True)
    low_balance_told_at = models.DateTimeField(null=True)
    #: "": wants no webhooks.
    webhook_url = models.TextField(default="", blank=True)
    #: What webhooks are signed with, sealed by `webhooks` and by no other module.
    webhook_secret_sealed = models.BinaryField(null=True)
    #: Since when there has been an address for webhooks.
    webhook_since = models.DateTimeField(null=True)
    #: Since when that address has not answered at all; null: it does.
    webhook_silent_since = models.DateTimeField(null=True)
    #: An address that does not answer is left alone until then.
    webhook_paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            # A constraint rather than unique=True, with which Django makes a second index for LIKE that nobody reads.
            models.UniqueConstraint(fields=["name"], name="sellers_partner_name"),
            models.CheckConstraint(condition=~Q(name=""), name="sellers_partner_named"),
            models.CheckConstraint(
                condition=Q(webhook_url="", webhook_secret_sealed__isnull=True, webhook_since__isnull=True)
                | (~Q(webhook_url="") & Q(webhook_secret_sealed__isnull=False, webhook_since__isnull=False)),
                name="sellers_partner_webhook",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> str:
        """The partner as facts and renewals name it; also the code of its account."""
        return f"partner:{self.pk}"


class ApiKey(models.Model):
    """A key of a partner. Only its digest is kept, so nobody can read the key itself again."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="keys")
    #: SHA-256 of the whole key. 256 random bits need no slow hash.
    digest = models.BinaryField()
    scopes = ArrayField(models.CharField(max_length=32))
    calls_per_second = models.PositiveIntegerField(default=CALLS_PER_SECOND)
    created_at = models.DateTimeField()
    #: From then on it opens nothing.
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["digest"], name="sellers_apikey_digest"),
            models.CheckConstraint(condition=Q(calls_per_second__gt=0), name="sellers_apikey_calls"),
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="sellers_apikey_scopes"),
        )

    def __str__(self) -> str:
        return f"key {self.pk}"


class WebhookDelivery(Waiting):
    """One thing that a partner is told by a webhook. It waits for a receipt."""

    #: The same in every try, so that a receiver can fold a repeat.
    event_id = models.UUIDField(default=uuid.uuid4)
    # Each leads an index of its own below.
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, db_index=False, related_name="webhooks")
    renewal = models.ForeignKey(Renewal, on_delete=models.PROTECT, db_index=False, related_name="+")
    #: renewal.active or renewal.refused.
    type = models.CharField(max_length=32)
    #: Exactly what is sent and signed.
    body = models.TextField()
    state = models.TextField(default=PENDING)
    #: How many attempts there had been when it was last asked to be sent again: the pace begins anew there.
    attempts_before = models.PositiveIntegerField(default=0)
    #: The status of the last answer, if there was any.
    answer_status = models.PositiveSmallIntegerField(null=True)
    #: Why the last try was no receipt; "" if it was, or if there was none.
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    #: When it was received or given up.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["event_id"], name="sellers_webhook_event"),
            # A fact that is heard again makes no second webhook.
            models.UniqueConstraint(fields=["renewal", "type"], name="sellers_webhook_once"),
            models.CheckConstraint(condition=Q(state__in=sorted(WEBHOOK_STATES.moves)), name="sellers_webhook_state"),
            # What is pending waits, what has ended waits for nothing.
            models.CheckConstraint(
                condition=Q(state=PENDING, next_attempt_at__isnull=False, ended_at__isnull=True)
                | (~Q(state=PENDING) & Q(next_attempt_at__isnull=True, ended_at__isnull=False)),
                name="sellers_webhook_waits",
            ),
        )
        indexes = (
            models.Index(fields=["partner", "-id"], name="sellers_webhook_partner"),
            models.Index(
                fields=["partner", "next_attempt_at"],
                name="sellers_webhook_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["ended_at"], name="sellers_webhook_received", condition=Q(state=DELIVERED)),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
