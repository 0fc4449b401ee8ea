# SPDX-License-Identifier: Apache-2.0
"""Lots as rows, and the grants that say which renewal put what into which lot."""

from django.db import models
from django.db.models import F, Q

from tsuzuku.cards.models import Card
from tsuzuku.catalog.models import PlanTermsRow


class LotRow(models.Model):
    """A lot of a card; `lots.Lot` says what each column means. Written only under the lock of its card's row."""

    # The unique constraint below begins with the card; nobody looks lots up by their terms, which stay once they are
    # there, so that the database need not lock their few rows for every lot.
    card = models.ForeignKey(Card, on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.TextField()
    sequence = models.PositiveIntegerField()
    terms = models.ForeignKey(
        PlanTermsRow, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    renewed_at = models.DateTimeField()
    days = models.PositiveIntegerField()
    day_rule = models.TextField()
    #: Lengths added while it waits: [[days, day rule], ...].
    added = models.JSONField(default=list)
    #: Null is unlimited.
    total = models.BigIntegerField(null=True)
    remaining = models.BigIntegerField(null=True)
    renewals = models.PositiveIntegerField(default=1)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    day_used = models.BigIntegerField(default=0)
    #: What days before `day` used of their daily allowance: [[day, amount], ...].
    earlier_days = models.JSONField(default=list)
    drawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            # Also what stops two writers that both thought they held the card.
            models.UniqueConstraint(fields=["card", "kind", "sequence"], name="allowances_lot_sequence"),
            models.CheckConstraint(
                condition=Q(remaining__isnull=True) | Q(remaining__gte=0, remaining__lte=F("total")),
                name="allowances_lot_remaining",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True, ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="allowances_lot_window",
            ),
            models.CheckConstraint(condition=Q(day_used__gte=0), name="allowances_lot_day_used"),
        )


class Grant(models.Model):
    """What one renewal gave in one kind, and into which lot. Append-only."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, db_index=False, related_name="+")
    #: The renewal, which lives in a room below and is only a number here.
    renewal_id = models.BigIntegerField()
    kind = models.TextField()
    lot = models.ForeignKey(LotRow, on_delete=models.PROTECT, related_name="grants")
    #: Null is unlimited.
    amount = models.BigIntegerField(null=True)
    #: What it brought back of lots that had expired shortly before.
    restored = models.BigIntegerField(null=True)
    granted_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["card", "renewal_id", "kind"], name="allowances_grant_once"),)
