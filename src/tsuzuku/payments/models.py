# SPDX-License-Identifier: Apache-2.0
"""Payments, what providers told of them, refunds, and the ledger."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tsuzuku.journal.models import Waiting
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import Instructions
from tsuzuku.payments.states import (
    APPROVED,
    CHARGE_STATES,
    CREATED,
    DISPUTE_STATES,
    NOTHING_RETURNED_STATES,
    OPEN_PAYMENT_STATES,
    OPENED,
    PAYMENT_STATES,
    PROPOSAL_STATES,
    REFUND_STATES,
    REQUESTED,
    RETURNED,
    SET_ASIDE,
    WAITING,
)


class CaptureOutcome(models.TextChoices):
    """What captured money turned out to be; each capture gets exactly one."""

    UNDECIDED = "undecided"
    #: It paid for its purpose.
    ACCEPTED = "accepted"
    #: One payment too many, or for something that is not to be paid any more; it goes back.
    SURPLUS = "surplus"
    #: It does not fit; a person decides.
    HELD = "held"


class KeptMethodRow(models.Model):
    """A payer's method that may be charged while they are away, until they remove it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    provider = models.TextField()
    method = models.TextField()
    #: The provider's token for it; worth nothing to anybody else.
    reference = models.TextField()
    #: What its owner knows it by.
    label = models.TextField()
    kept_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["owner", "provider", "reference"], name="payments_keptmethod_once"),
        )


class Payment(Waiting):
    """One try to take an amount for a purpose from a payer, by one provider. It waits for the provider's word."""

    #: What is paid for; an opaque id here.
    purpose = models.TextField()
    provider = models.TextField()
    method = models.TextField()
    #: Ours, under which the provider knows the payment once, however often it is asked to start it.
    key = models.UUIDField(unique=True)
    #: The provider's, from the moment it has started the payment.
    reference = models.TextField(null=True)
    redirect_url = models.TextField(blank=True)
    #: Who asked for their method to be kept when they pay.
    keep_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    #: The method that is charged while its owner is away.
    kept = models.ForeignKey(KeptMethodRow, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    #: How to pay elsewhere than on the provider's page, as `shown` reads it.
    instructions = models.JSONField(null=True)
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    state = models.TextField(default=CREATED)
    #: Why it failed: network, limit or refused.
    failure = models.TextField(blank=True)
    created_at = models.DateTimeField()
    #: When its provider was last asked about it.
    asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["provider", "reference"], name="payments_payment_reference"),
            # A double click starts one payment. One of another amount is another one, as a balance may pay a part; so
            # is one by which the method is kept.
            models.UniqueConstraint(
                fields=["purpose", "provider", "method", "amount_minor", "keep_for", "kept"],
                condition=Q(state__in=sorted(OPEN_PAYMENT_STATES)),
                nulls_distinct=False,
                name="payments_payment_open",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_payment_amount"),
            models.CheckConstraint(condition=Q(state__in=sorted(PAYMENT_STATES.moves)), name="payments_payment_state"),
        )
        indexes = (
            models.Index(fields=["purpose"], name="payments_payment_purpose"),
            models.Index(
                fields=["next_attempt_at"], name="payments_payment_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )

    @property
    def amount(self) -> Money:
        """What is to be taken."""
        return Money(self.amount_minor, self.currency)

    @property
    def shown(self) -> Instructions | None:
        """How to pay elsewhere than on the provider's page."""
        return None if self.instructions is None else Instructions.from_json(self.instructions)

    def has_run_out(self, now: datetime) -> bool:
        """Whether nobody can pay by its code or its numbers at `now` any more."""
        shown = self.shown
        return shown is not None and shown.expires_at <= now


class Capture(models.Model):
    """Money that a provider has taken. A payer who pays twice makes two of one payment."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="captures")
    provider = models.TextField()
    reference = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    outcome = models.TextField(choices=CaptureOutcome.choices, default=CaptureOutcome.UNDECIDED)
    captured_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["provider", "reference"], name="payments_capture_once"),
            # Nothing is paid twice.
            models.UniqueConstraint(
                fields=["payment"], condition=Q(outcome=CaptureOutcome.ACCEPTED), name="payments_capture_accepted_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_capture_amount"),
        )

    @property
    def amount(self) -> Money:
        """What was taken."""
        return Money(self.amount_minor, self.currency)


class Refund(Waiting):
    """Money on its way back: the whole of one capture, or a part of it."""

    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="refunds")
    key = models.UUIDField(unique=True)
    reference = models.TextField(blank=True)
    amount_minor = models.BigIntegerField()
    reason = models.TextField()
    #: Who asked for it, as facts name people: system, staff:3 ...
    actor = models.TextField()
    state = models.TextField(default=REQUESTED)
    problem = models.TextField(blank=True)
    requested_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    #: Whether what it gives back had been earned: the service was given, and the money is a person's goodwill.
    is_goodwill = models.BooleanField(default=False, db_default=False)
    #: The one that failed, in whose place it was asked for.
    replaces = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="replacement")
    #: How the money was given back another way, and who says so.
    closed_note = models.TextField(default="", db_default="", blank=True)
    closed_by = models.TextField(default="", db_default="", blank=True)
    #: The second person, above the limit. Without one, a refund that is still failed waits for them.
    close_approved_by = models.TextField(default="", db_default="", blank=True)

    class Meta:
        constraints = (
            # By itself, a capture goes back once; parts that people give back keep under its lock to what is left.
            models.UniqueConstraint(
                fields=["capture"],
                condition=~Q(state__in=sorted(NOTHING_RETURNED_STATES)) & Q(actor="system"),
                name="payments_refund_once",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refund_amount"),
            models.CheckConstraint(condition=Q(state__in=sorted(REFUND_STATES.moves)), name="payments_refund_state"),
            models.CheckConstraint(
                condition=Q(close_approved_by="") | ~Q(close_approved_by=F("closed_by")),
                name="payments_refund_second_person",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_attempt_at"], name="payments_refund_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.amount_minor, self.capture.currency)


class RefundProposal(models.Model):
    """What a person wants to give back of a capture, and what was decided. `proposing` has the verbs."""

    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="proposals")
    #: The form's: sent twice, it proposes once.
    key = models.UUIDField(unique=True)
    amount_minor = models.BigIntegerField()
    reason = models.TextField()
    #: Above the limit another person than the proposer decides.
    needs_approval = models.BooleanField()
    state = models.TextField(default=WAITING)
    #: Who, as facts name people: staff:3, operator:mika ...
    proposed_by = models.TextField()
    proposed_at = models.DateTimeField()
    decided_by = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)
    #: Why it was declined.
    note = models.TextField(blank=True)
    #: What it led to.
    refund = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="proposal")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_proposal_amount"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(PROPOSAL_STATES.moves)), name="payments_proposal_state"
            ),
            models.CheckConstraint(
                condition=Q(state=WAITING, decided_at=None, decided_by="")
                | ~Q(state=WAITING) & Q(decided_at__isnull=False) & ~Q(decided_by=""),
                name="payments_proposal_decided",
            ),
            models.CheckConstraint(
                condition=Q(needs_approval=False) | ~Q(state=APPROVED) | ~Q(decided_by=F("proposed_by")),
                name="payments_proposal_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state=APPROVED, refund__isnull=False) | ~Q(state=APPROVED) & Q(refund=None),
                name="payments_proposal_refund",
            ),
        )
        indexes = (models.Index(fields=["proposed_at"], name="payments_proposal_waiting", condition=Q(state=WAITING)),)

    @property
    def amount(self) -> Money:
        """What is to go back."""
        return Money(self.amount_minor, self.capture.currency)


class Dispute(models.Model):
    """A payer's bank has taken money of a capture back from the provider, and may give it up again."""

    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="disputes")
    provider = models.TextField()
    reference = models.TextField()
    amount_minor = models.BigIntegerField()
    #: The provider's word for why, such as fraudulent.
    reason = models.TextField(blank=True)
    state = models.TextField(default=OPENED)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["provider", "reference"], name="payments_dispute_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_dispute_amount"),
            models.CheckConstraint(condition=Q(state__in=sorted(DISPUTE_STATES.moves)), name="payments_dispute_state"),
            models.CheckConstraint(
                condition=Q(state=OPENED, ended_at=None) | ~Q(state=OPENED) & Q(ended_at__isnull=False),
                name="payments_dispute_ended",
            ),
        )

    @property
    def amount(self) -> Money:
        """What the bank took back."""
        return Money(self.amount_minor, self.capture.currency)


class ProviderNotice(models.Model):
    """An event that a provider delivered, kept as it came; its id makes a second delivery a repetition."""

    provider = models.TextField()
    event_id = models.TextField()
    kind = models.TextField()
    raw = models.TextField()
    #: What it is about, if it is ours.
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="notices")
    #: Why it had no effect, if it had none.
    problem = models.TextField(blank=True)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "event_id"], name="payments_notice_once"),)


class ProviderOutage(models.Model):
    """A provider that could not be reached when a payment was to be started; the row goes when it answers again."""

    provider = models.TextField()
    since = models.DateTimeField()
    #: Offered to nobody before this.
    hidden_until = models.DateTimeField()
    #: How often, those left out that came while it was hidden.
    failures = models.IntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider"], name="payments_outage_provider"),)


class Account(models.Model):
    """A place where money is. Its balance is the sum of its postings."""

    code = models.TextField()

    class Meta:
        # A constraint rather than unique=True, with which Django makes a second index for LIKE that nobody reads.
        constraints = (models.UniqueConstraint(fields=["code"], name="payments_account_code"),)


class SpendingAccount(models.Model):
    """Money that somebody keeps with us to spend, and how far below zero they may go.

    Its balance is that of its postings, kept here because every spending needs it; both change in one transaction.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="spending")
    currency = models.TextField()
    balance_minor = models.BigIntegerField(default=0)
    credit_limit_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(credit_limit_minor__gte=0), name="payments_spending_limit"),
            models.CheckConstraint(
                condition=Q(balance_minor__gte=-F("credit_limit_minor")), name="payments_spending_covered"
            ),
        )


class BalancePart(models.Model):
    """What one top-up brought into somebody's balance, and until when it can be spent."""

    account = models.ForeignKey(SpendingAccount, on_delete=models.PROTECT, related_name="parts")
    #: What brought it, once.
    reference = models.TextField()
    amount_minor = models.BigIntegerField()
    #: What can still be spent until its end; after it, what has yet to be booked as ended.
    left_minor = models.BigIntegerField()
    #: What was not spent in time.
    ended_minor = models.BigIntegerField(default=0)
    topped_up_at = models.DateTimeField()
    #: From then on it cannot be spent; null: it has no end.
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "reference"], name="payments_balancepart_once"),
            models.CheckConstraint(
                condition=Q(
                    left_minor__gte=0, ended_minor__gte=0, amount_minor__gte=F("left_minor") + F("ended_minor")
                ),
                name="payments_balancepart_left",
            ),
        )
        indexes = (models.Index(fields=["expires_at"], name="payments_balancepart_due", condition=Q(left_minor__gt=0)),)

    @property
    def left(self) -> Money:
        """What is left of it."""
        return Money(self.left_minor, self.account.currency)


class BalanceCharge(models.Model):
    """What somebody pays of a purpose out of their balance."""

    account = models.ForeignKey(SpendingAccount, on_delete=models.PROTECT, related_name="charges")
    purpose = models.TextField()
    amount_minor = models.BigIntegerField()
    state = models.TextField(default=SET_ASIDE)
    charged_at = models.DateTimeField()
    #: When the money went back into the balance.
    returned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["purpose"], condition=~Q(state=RETURNED), name="payments_balancecharge_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_balancecharge_amount"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(CHARGE_STATES.moves)), name="payments_balancecharge_state"
            ),
        )
        indexes = (models.Index(fields=["purpose"], name="payments_balancecharge_purpose"),)

    @property
    def amount(self) -> Money:
        """What is paid out of the balance."""
        return Money(self.amount_minor, self.account.currency)


class BalanceDraw(models.Model):
    """What a charge took from one part, so that it can go back there and end with it."""

    charge = models.ForeignKey(BalanceCharge, on_delete=models.PROTECT, related_name="draws")
    part = models.ForeignKey(BalancePart, on_delete=models.PROTECT, related_name="draws")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["charge", "part"], name="payments_balancedraw_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_balancedraw_amount"),
        )


class Posting(models.Model):
    """One move of money, out of the credit account into the debit account. Append-only: a correction is a new posting.

    One row has both sides, so the sum over all accounts is zero by construction.
    """

    # Accounts are few and busy, and stay once they are there: an index by account would be written for every posting
    # and find half the table, and a constraint would lock the same few rows for every posting.
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    #: Why, and for which single thing: the pair is posted once.
    kind = models.TextField()
    subject = models.TextField()
    purpose = models.TextField()
    posted_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_posting_amount"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="payments_posting_sides"),
            models.UniqueConstraint(fields=["kind", "subject"], name="payments_posting_once"),
        )
