# SPDX-License-Identifier: Apache-2.0
"""Top-ups, and the warnings before what they brought ends."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tsuzuku.journal.models import Waiting
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import BalancePart


class TopUp(models.Model):
    """What an order pays for when it pays into its payer's balance."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="top_up")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+")
    key = models.TextField()
    created_at = models.DateTimeField()
    #: Null until the order is paid.
    part = models.OneToOneField(BalancePart, null=True, on_delete=models.PROTECT, related_name="top_up")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="balances_topup_key"),)

    @property
    def is_booked(self) -> bool:
        """Whether it is in the balance."""
        return self.part_id is not None


class EndWarning(Waiting):
    """A mail to come, so many days before a part of a balance ends."""

    part = models.ForeignKey(BalancePart, on_delete=models.PROTECT, db_index=False, related_name="warnings")
    days_before = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["part", "days_before"], name="balances_endwarning_once"),)
        indexes = (
            models.Index(
                fields=["next_attempt_at"],
                name="balances_endwarning_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
        )
