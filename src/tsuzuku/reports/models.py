# SPDX-License-Identifier: Apache-2.0
"""Settlement files of payment providers, their lines, and where these and our books differ."""

from django.db import models
from django.db.models import F, Q

from tsuzuku.kernel.money import Money
from tsuzuku.payments.models import Capture, Dispute, Refund
from tsuzuku.reports.kinds import INFORMATION, DifferenceKind


class SettlementFile(models.Model):
    """A provider's file, taken once."""

    provider = models.TextField()
    #: As whoever took it called it.
    name = models.TextField()
    sha256 = models.TextField()
    #: The time that it tells of: a move of ours from the first moment up to the last must be in it.
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    #: Lines that were matched with nothing, since they are no payments: payouts, the provider's own fees.
    others = models.PositiveIntegerField()
    #: Lines that an earlier file had told already.
    known = models.PositiveIntegerField()
    taken_by = models.TextField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["sha256"], name="reports_file_once"),
            models.CheckConstraint(condition=Q(begins_at__lt=F("ends_at")), name="reports_file_period"),
        )
        indexes = (models.Index(fields=["provider", "ends_at"], name="reports_file_period"),)


class SettledLine(models.Model):
    """A capture, refund or dispute as the first file told it that had it, and which row of ours it is."""

    file = models.ForeignKey(SettlementFile, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    provider = models.TextField()
    kind = models.TextField()
    #: By which two lines are one: the provider's reference of the capture, refund or dispute.
    identity = models.TextField()
    capture_reference = models.TextField(blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    #: Null where the file does not say.
    fee_minor = models.BigIntegerField(null=True)
    booked_at = models.DateTimeField()
    capture = models.ForeignKey(Capture, null=True, on_delete=models.PROTECT, related_name="+")
    refund = models.ForeignKey(Refund, null=True, on_delete=models.PROTECT, related_name="+")
    dispute = models.ForeignKey(Dispute, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "kind", "identity"], name="reports_line_once"),)


class SettlementDifference(models.Model):
    """Something that a person should look at, or only know."""

    #: The file that showed it.
    file = models.ForeignKey(SettlementFile, on_delete=models.PROTECT, related_name="differences")
    provider = models.TextField()
    #: A DifferenceKind.
    kind = models.TextField()
    #: In the brand's time.
    day = models.DateField()

    # Their line, if there is one.
    number = models.PositiveIntegerField(null=True)
    line_kind = models.TextField(blank=True)
    identity = models.TextField(blank=True)
    capture_reference = models.TextField(blank=True)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.TextField(blank=True)
    booked_at = models.DateTimeField(null=True)

    # Our row, if there is one, as it was.
    capture = models.ForeignKey(Capture, null=True, on_delete=models.PROTECT, related_name="+")
    refund = models.ForeignKey(Refund, null=True, on_delete=models.PROTECT, related_name="+")
    dispute = models.ForeignKey(Dispute, null=True, on_delete=models.PROTECT, related_name="+")
    #: What was paid for: an order's number.
    purpose = models.TextField(blank=True)
    our_reference = models.TextField(blank=True)
    our_amount_minor = models.BigIntegerField(null=True)
    our_currency = models.TextField(blank=True)
    our_at = models.DateTimeField(null=True)

    #: Who has seen to it, or `file:7`, whose lines explain it; empty while it is open.
    resolved_by = models.TextField(blank=True)
    resolved_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by="") | Q(resolved_at__isnull=False) & ~Q(resolved_by=""),
                name="reports_difference_resolved",
            ),
            # Whatever files tell of it, what is missing is missing once.
            models.UniqueConstraint(
                fields=["capture"],
                condition=Q(kind=DifferenceKind.MISSING_THERE.value, refund=None, dispute=None),
                name="reports_difference_capture",
            ),
            models.UniqueConstraint(
                fields=["refund"],
                condition=Q(kind=DifferenceKind.MISSING_THERE.value),
                name="reports_difference_refund",
            ),
            models.UniqueConstraint(
                fields=["dispute"],
                condition=Q(kind=DifferenceKind.MISSING_THERE.value),
                name="reports_difference_dispute",
            ),
        )
        indexes = (
            models.Index(
                fields=["provider", "day"],
                name="reports_difference_open",
                condition=Q(resolved_at=None) & ~Q(kind__in=sorted(each.value for each in INFORMATION)),
            ),
            models.Index(fields=["provider", "kind", "identity"], name="reports_difference_line"),
        )

    @property
    def is_information(self) -> bool:
        """Whether nobody need do anything about it."""
        return self.kind in INFORMATION

    @property
    def is_open(self) -> bool:
        """Whether a person has yet to see to it."""
        return self.resolved_at is None and not self.is_information

    @property
    def amount(self) -> Money | None:
        """What the file says."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)

    @property
    def our_amount(self) -> Money | None:
        """What our books say."""
        return None if self.our_amount_minor is None else Money(self.our_amount_minor, self.our_currency)
