# SPDX-License-Identifier: Apache-2.0
"""Renewals and the history of their moves."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tsuzuku.cards.models import Card
from tsuzuku.catalog.mix_names import sold_name
from tsuzuku.catalog.models import Plan, PlanTermsRow
from tsuzuku.journal.models import Waiting
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import KeptMethodRow
from tsuzuku.renewals.states import ACTIVATING, ORDERED, RENEWAL_STATES


class Renewal(Waiting):
    """One plan for one card, paid by one order. It waits for its carrier."""

    # Found by the index below. Nobody looks renewals up by their plan or terms, which stay once they are there, so that
    # the database need not lock their few rows for every renewal (docs/performance.md).
    card = models.ForeignKey(Card, on_delete=models.PROTECT, db_index=False, related_name="+")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="renewal")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    #: The terms as sold; the price as sold is the order's.
    terms = models.ForeignKey(
        PlanTermsRow, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    actor = models.TextField()
    key = models.TextField()
    inputs_hash = models.TextField()
    state = models.TextField(default=ORDERED)
    #: Ours, by which the carrier's history is asked.
    reference = models.UUIDField()
    #: A request may be out there, and the carrier's history has the last word on it from then on; null: nothing is.
    history_final_at = models.DateTimeField(null=True)
    carrier_reference = models.TextField(blank=True)
    #: Why it was refused or withdrawn.
    refusal = models.TextField(blank=True)
    created_at = models.DateTimeField()
    #: When its money was settled and its carrier's turn began.
    settled_at = models.DateTimeField(null=True)
    #: From when it counts, by the carrier's word.
    credited_at = models.DateTimeField(null=True)
    #: How often an outcome was unknown and had to be asked for.
    unknown_outcomes = models.PositiveIntegerField(default=0, db_default=0)
    #: What whoever paid out of an account was told, which the same key is told again: the state, and what the card has
    #: or will have of data (null: no limit), and until when. No state: nobody was told anything in the call itself.
    told_state = models.TextField(default="", db_default="")
    told_remaining_bytes = models.BigIntegerField(null=True)
    told_online_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["card", "actor", "key"], name="renewals_renewal_key"),
            # Where a carrier's history is the only evidence, two open requests for one card could not be told apart.
            models.UniqueConstraint(
                fields=["card"], condition=Q(state=ACTIVATING), name="renewals_renewal_one_activating"
            ),
            models.CheckConstraint(condition=Q(state__in=sorted(RENEWAL_STATES.moves)), name="renewals_renewal_state"),
        )
        indexes = (
            models.Index(fields=["card", "-id"], name="renewals_renewal_card"),
            models.Index(
                fields=["next_attempt_at"], name="renewals_renewal_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )

    def name_in(self, language: str) -> str:
        """What was sold, in a language: the plan, and of one that people mix themselves what was chosen."""
        return sold_name(self.plan, self.terms.mix, language)


class GiverName(models.Model):
    """What a friend who paid for somebody else's card wants to be called; a row only if they said."""

    renewal = models.OneToOneField(Renewal, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="renewals_givername_said"),)


class AutomaticRenewal(Waiting):
    """That a card is renewed by itself, with which plan, from what, and how far the renewal to come has got."""

    card = models.OneToOneField(Card, on_delete=models.PROTECT, related_name="automatic")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    #: What is charged; null: the balance.
    kept = models.ForeignKey(KeptMethodRow, null=True, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField(default=True)
    #: Counts how often it was switched on, so that a link in an old mail stops nothing that began later.
    generation = models.PositiveIntegerField(default=1)
    language = models.TextField()
    #: What was agreed when it was switched on, or announced since; never more is charged.
    price_minor = models.BigIntegerField()
    currency = models.TextField()
    #: The end of what the card had when the next renewal was announced; null: nothing is announced.
    announced_for = models.DateTimeField(null=True)
    #: When it is charged.
    due_at = models.DateTimeField(null=True)
    #: How often the announced renewal has failed.
    failures = models.PositiveIntegerField(default=0)
    #: The order that is being paid.
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    #: Why it was switched off, if not by its owner.
    stopped_by = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(price_minor__gt=0), name="renewals_automatic_price"),
            models.CheckConstraint(
                condition=Q(announced_for__isnull=True, due_at__isnull=True)
                | Q(announced_for__isnull=False, due_at__isnull=False),
                name="renewals_automatic_announced",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_attempt_at"], name="renewals_automatic_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )

    @property
    def price(self) -> Money:
        """What is charged at most."""
        return Money(self.price_minor, self.currency)


class RenewalMove(models.Model):
    """One move of a renewal. Append-only."""

    renewal = models.ForeignKey(Renewal, on_delete=models.PROTECT, related_name="moves")
    source = models.TextField()
    target = models.TextField()
    reason = models.TextField(blank=True)
    actor = models.TextField()
    at = models.DateTimeField()
