# SPDX-License-Identifier: Apache-2.0
"""Readings that were drawn, those kept aside, and what is made of them.

Cards are numbers here, without foreign keys: a check for each of a million readings would cost more than the readings.
"""

from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.db import models


class UsageRecord(models.Model):
    """One reading, drawn. The table is in partitions, one for each month (UTC) of `ended_at`; see `partitions`.

    That a card has a record once, whatever its time, is guarded by the lock of the card's row: no constraint can, over
    partitions.
    """

    pk = models.CompositePrimaryKey("card_id", "record_id", "ended_at")
    card_id = models.BigIntegerField()
    record_id = models.TextField(db_collation="C")
    #: A LotKind.
    kind = models.TextField()
    #: Bytes, seconds or messages: what was used. All but the two below was drawn from lots.
    amount = models.BigIntegerField()
    ended_at = models.DateTimeField()
    taken_at = models.DateTimeField()
    throttled = models.BigIntegerField()
    unserved = models.BigIntegerField()

    class Meta:
        db_table = "usage_record"


class Reason(StrEnum):
    """Why a reading was not drawn."""

    #: The card is not known, or not the sender's.
    CARD_UNKNOWN = "card-unknown"
    #: Older than the readings that are kept, so that it may be a repetition.
    TOO_OLD = "too-old"


class KeptReading(models.Model):
    """A reading kept aside. One of an unknown card is drawn when the card appears; one that is too old never is."""

    iccid = models.CharField(max_length=19)
    record_id = models.TextField(db_collation="C")
    kind = models.TextField()
    amount = models.BigIntegerField()
    ended_at = models.DateTimeField()
    #: Who sent it. A stranger's record does not make another's of the same name a repetition.
    actor = models.TextField()
    #: The groups of whose cards the sender may speak; null is of all cards.
    card_groups = ArrayField(models.TextField(), null=True)
    #: A Reason.
    reason = models.TextField()
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["iccid", "record_id", "actor"], name="usage_kept_once"),)
        indexes = (models.Index(fields=["reason", "iccid"], name="usage_kept_reason"),)


class UsageDay(models.Model):
    """What a card used on a local day, of the readings that are no longer kept."""

    card_id = models.BigIntegerField()
    day = models.DateField()
    kind = models.TextField()
    amount = models.BigIntegerField()
    throttled = models.BigIntegerField()
    unserved = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["card_id", "day", "kind"], name="usage_day_once"),)


class RolledMonth(models.Model):
    """A month whose readings were rolled up and dropped; nothing of it, or of months before, is drawn any more."""

    month = models.DateField(primary_key=True)
    rolled_up_at = models.DateTimeField()


class UnservedMeter(models.Model):
    """When the newest reading of a card was measured of which no lot gave anything; the others are told by lots."""

    card_id = models.BigIntegerField(primary_key=True)
    measured_at = models.DateTimeField()


class Correction(models.Model):
    """What a carrier's total made of a card's lots: its figure wins. Append-only."""

    card_id = models.BigIntegerField()
    kind = models.TextField()
    measured_at = models.DateTimeField()
    #: What the running lots held by our count, and by the carrier's.
    ours = models.BigIntegerField()
    carriers = models.BigIntegerField()
    #: What was drawn from the lots because of it; negative is given back.
    drawn = models.BigIntegerField()
    actor = models.TextField()
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["card_id"], name="usage_correction_card"),)


class AnomalyKind(StrEnum):
    """What is unusual about a card's use."""

    #: Ten times what the card uses on a day.
    TENFOLD = "tenfold"
    #: Everything it held had expired.
    AFTER_EXPIRY = "after-expiry"
    #: It was suspended or reported lost.
    BLOCKED = "blocked"


class Anomaly(models.Model):
    """That something unusual was told, once for each card, kind and local day."""

    card_id = models.BigIntegerField()
    #: An AnomalyKind.
    kind = models.TextField()
    day = models.DateField()
    #: Bytes, seconds or messages.
    amount = models.BigIntegerField()
    found_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["card_id", "kind", "day"], name="usage_anomaly_once"),)


class Look(models.Model):
    """When a chore that nobody announces looks again."""

    name = models.TextField(primary_key=True)
    next_at = models.DateTimeField()
