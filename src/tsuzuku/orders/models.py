# SPDX-License-Identifier: Apache-2.0
"""Orders and the history of their moves."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from tsuzuku.kernel.money import Money
from tsuzuku.orders.states import AWAITING_PAYMENT, HELD, ORDER_STATES


class Order(models.Model):
    """One sale. Its price never changes; what it pays for points to it."""

    number = models.TextField()
    channel = models.TextField()
    #: Who placed it, as facts name people: customer:12, card:34 (opened with its PIN), partner:5,
    #: friend:link-7 (who pays for somebody else's card; see payers).
    actor = models.TextField()
    payer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    #: Where proof goes, if the payer gave an address.
    email = models.TextField(blank=True)
    #: A language tag such as zh-hans.
    language = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    #: The price explained, summing to the amount: [{"plan": its code, "amount_minor": 3000}, then what promotions took
    #: off, each {"promotion": its code, "amount_minor": -300}].
    lines = models.JSONField()
    #: The refund policy that its payer was told before paying, as `policy` keeps it; empty: a partner told their own.
    policy = models.TextField(default="", db_default="", blank=True)
    state = models.TextField(default=AWAITING_PAYMENT)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    #: What it is for was put aside for this time only: when that is over the order is cancelled, so that money which
    #: comes later still goes back by itself. Any other order expires, and late money counts if it can.
    is_cancelled_when_over = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (
            # A constraint rather than unique=True, with which Django makes a second index for LIKE that nobody reads.
            models.UniqueConstraint(fields=["number"], name="orders_order_number"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="orders_order_amount"),
            models.CheckConstraint(condition=Q(state__in=sorted(ORDER_STATES.moves)), name="orders_order_state"),
        )
        indexes = (
            models.Index(fields=["payer", "-id"], name="orders_order_payer", condition=Q(payer__isnull=False)),
            models.Index(fields=["expires_at"], name="orders_order_due", condition=Q(state=AWAITING_PAYMENT)),
            # Few wait for a person; and the orders of a day lie together.
            models.Index(fields=["-id"], name="orders_order_held", condition=Q(state=HELD)),
            BrinIndex(fields=["created_at"], name="orders_order_created", autosummarize=True),
        )

    @property
    def price(self) -> Money:
        """What it costs, tax included."""
        return Money(self.amount_minor, self.currency)

    def can_be_paid(self, now: datetime) -> bool:
        """Whether a payment for it may be started at `now`."""
        return self.state == AWAITING_PAYMENT and now < self.expires_at


class OrderMove(models.Model):
    """One move of an order. Append-only."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="moves")
    source = models.TextField()
    target = models.TextField()
    reason = models.TextField()
    actor = models.TextField()
    at = models.DateTimeField()
