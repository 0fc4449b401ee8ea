# SPDX-License-Identifier: Apache-2.0
"""Facts and what is still to be told of them; and the columns that every row which waits for the outside carries."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Fact(models.Model):
    """Something that happened. Append-only."""

    kind = models.TextField()
    card_id = models.BigIntegerField(null=True)
    actor = models.TextField()
    body = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["card_id", "id"], name="journal_fact_card"),
            # What staff did and what was done to them: few among many.
            models.Index(fields=["-id"], name="journal_fact_staff", condition=models.Q(kind__startswith="staff-")),
        )


class Waiting(models.Model):
    """A row that waits for something: how often it was tried, who holds it until when, when to look again."""

    attempts = models.PositiveIntegerField(default=0, db_default=0)
    #: Until then one worker has the row; nothing may be sent for it afterwards.
    lease_until = models.DateTimeField(null=True)
    #: Null: waits for nothing any more.
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Delivery(Waiting):
    """Facts written together that one listener has yet to hear; deleted in the transaction in which it heard them."""

    listener = models.TextField()
    #: At least one, oldest first. An array, so that telling costs by batch and not by fact.
    fact_ids = ArrayField(models.BigIntegerField())
    problem = models.TextField(default="", db_default="")

    class Meta:
        indexes = (models.Index(fields=["listener", "next_attempt_at"], name="journal_delivery_due"),)


class Count(models.Model):
    """How often one subject (a card, an address, a number, the installation) did one thing in a while; see `counts`."""

    #: The limit's name and a digest of whom it counts: no number and no address is kept.
    subject = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    #: From then on the row counts anew, or may be forgotten.
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["subject"], name="journal_count_subject"),)

    def __str__(self) -> str:
        return f"{self.subject}: {self.count}"
