# SPDX-License-Identifier: Apache-2.0
"""Receipts, the running numbers they take, the keys that signed them, and what was handed out of them."""

from django.db import models
from django.db.models import Q

from tsuzuku.journal.models import Waiting
from tsuzuku.orders.models import Order


class Receipt(Waiting):
    """The receipt of one order. It waits until what was paid for is given; then it is numbered and never changes."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="receipt")
    requested_at = models.DateTimeField()
    #: The year in the brand's zone, and the place in it, from one on.
    year = models.PositiveIntegerField(null=True)
    sequence = models.PositiveIntegerField(null=True)
    issued_at = models.DateTimeField(null=True)
    #: What it says, as `content.receipt_content` wrote it: the issuer and the words may change later, a receipt not.
    content = models.JSONField(null=True)
    #: What is signed of it, and the signature (signing.py).
    token = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["year", "sequence"], name="receipts_receipt_number"),
            # Who waits has no number, who has a number waits for nothing.
            models.CheckConstraint(
                condition=Q(
                    sequence__isnull=True,
                    year__isnull=True,
                    issued_at__isnull=True,
                    content__isnull=True,
                    next_attempt_at__isnull=False,
                )
                | Q(
                    sequence__gt=0,
                    year__isnull=False,
                    issued_at__isnull=False,
                    content__isnull=False,
                    next_attempt_at__isnull=True,
                ),
                name="receipts_receipt_waits",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_attempt_at"], name="receipts_receipt_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )

    @property
    def number(self) -> str:
        """The number as people see it: 2026-000001."""
        return f"{self.year}-{self.sequence:06d}"


class ReceiptSequence(models.Model):
    """The last number of a year; who numbers holds the row until the numbers are committed with their receipts."""

    year = models.PositiveIntegerField(primary_key=True)
    last = models.PositiveIntegerField(default=0)


class ReceiptKey(models.Model):
    """A public key under which receipts were signed; kept for ever, so that old receipts stay genuine."""

    kid = models.TextField()
    #: 32 bytes of Ed25519 in base64url, as a JWK's `x`.
    x = models.TextField()
    first_used_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kid"], name="receipts_key_once"),)


class CopyWay(models.TextChoices):
    """How a receipt was handed out."""

    PDF = "pdf"
    MAIL = "mail"


class ReceiptCopy(models.Model):
    """A receipt handed out. The first is the original, every later one is marked as a copy. Append-only."""

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="copies")
    ordinal = models.PositiveIntegerField()
    #: The page's: pressing twice hands out once.
    key = models.UUIDField()
    way = models.TextField(choices=CopyWay.choices)
    language = models.TextField()
    actor = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["receipt", "ordinal"], name="receipts_copy_ordinal"),
            models.UniqueConstraint(fields=["receipt", "key"], name="receipts_copy_key"),
            models.CheckConstraint(condition=Q(way__in=sorted(CopyWay.values)), name="receipts_copy_way"),
        )
