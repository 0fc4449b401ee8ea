# SPDX-License-Identifier: Apache-2.0
"""Plans, the versions of their terms, their prices, and promotions with what was taken off by them.

What was sold points to a version of the terms and copies its price.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tsuzuku.catalog.mixes import Mix, MixRule
from tsuzuku.catalog.states import REDEMPTION_STATES, RESERVED
from tsuzuku.catalog.terms import LotKind, PlanTerms
from tsuzuku.kernel.money import Money

CODE_PATTERN = re.compile(r"[A-Z0-9-]{1,32}", re.ASCII)


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The text in a language (Django's or the file's spelling of its tag), else in English."""
    spelled = {tag.lower(): text for tag, text in texts.items()}
    return spelled.get(language.lower(), spelled["en"])


class Plan(models.Model):
    """What people choose from. Its words may change; its terms and prices only get successors."""

    code = models.CharField(max_length=32)
    #: Texts by language tag, as in plan files: zh-Hans, zh-Hant, ja, en, ko. English is always there.
    name = models.JSONField()
    #: Empty: every card may buy it.
    card_groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    #: ISO 3166 alpha-2.
    countries = ArrayField(models.CharField(max_length=2))
    network = models.CharField(max_length=60, default="", blank=True)
    #: Whether devices may share the line; null where the brand does not say.
    tethering = models.BooleanField(null=True)
    on_sale_from = models.DateTimeField(null=True)
    on_sale_until = models.DateTimeField(null=True)
    #: For a plan that people mix themselves: its steps, limits and rates instead of terms and price.
    own_mix = models.JSONField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    #: What a renewal sold now gets. Null for a plan that people mix themselves, which has no terms before they do.
    terms_now = models.ForeignKey("PlanTermsRow", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["code"], name="catalog_plan_code"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z0-9-]{1,32}$"), name="catalog_plan_code_letters"),
            models.CheckConstraint(condition=Q(on_sale_until__gt=F("on_sale_from")), name="catalog_plan_on_sale"),
        )

    def __str__(self) -> str:
        return self.code

    def name_in(self, language: str) -> str:
        """The plan's name in a language (Django's or the file's spelling of its tag), else in English."""
        return text_in(self.name, language)

    @property
    def mix_rule(self) -> MixRule | None:
        """Which mixes it is sold as; None for a plan whose data and days the brand has fixed."""
        return None if self.own_mix is None else MixRule.from_json(self.own_mix)


class PlanTermsRow(models.Model):
    """One version of a plan's terms. Never changed and never deleted: lots and renewals point to it."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="terms_rows")
    #: Fingerprint of what follows.
    digest = models.CharField(max_length=64)
    #: `PlanTerms.to_json`.
    terms = models.JSONField()
    #: Where its voice seconds may call: domestic or international; "" for a plan without voice.
    voice_to = models.CharField(max_length=13, default="", blank=True)
    #: Data and days were chosen by whoever bought it.
    is_mix = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["plan", "digest"], name="catalog_terms_once"),
            models.CheckConstraint(
                condition=Q(voice_to__in=["", "domestic", "international"]), name="catalog_terms_voice_to"
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan_id} {self.digest[:8]}"

    def parsed(self) -> PlanTerms:
        """The terms as the rules take them."""
        body: dict[str, Any] = self.terms
        return PlanTerms.from_json(body)

    @property
    def mix(self) -> Mix | None:
        """What was chosen, of a plan that people mix themselves."""
        terms = self.parsed() if self.is_mix else None
        data_bytes = terms.amounts[LotKind.DATA] if terms else None
        return Mix(data_bytes, terms.days) if terms and data_bytes is not None else None


class Price(models.Model):
    """What a plan costs at a door for a stretch of time, tax included. Never changed, only closed."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="prices")
    #: Null: every door that has no price of its own.
    channel = models.CharField(max_length=32, null=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField()
    #: From then on it is no longer sold at this price.
    valid_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["plan", "channel"],
                condition=Q(valid_until__isnull=True),
                nulls_distinct=False,
                name="catalog_price_open",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="catalog_price_amount"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="catalog_price_currency"),
            models.CheckConstraint(condition=Q(valid_until__gte=F("valid_from")), name="catalog_price_window"),
        )

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"

    @property
    def money(self) -> Money:
        """The amount."""
        return Money(self.amount_minor, self.currency)


class Rate(models.Model):
    """What a yen buys of a currency from a moment on. Append-only: later rows count, earlier ones are history."""

    currency = models.CharField(max_length=3)
    units_per_yen = models.DecimalField(max_digits=20, decimal_places=10)
    valid_from = models.DateTimeField()
    imported_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(units_per_yen__gt=0), name="catalog_rate_positive"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="catalog_rate_currency"),
        )
        indexes = (models.Index(fields=["valid_from"], name="catalog_rate_valid_from"),)

    def __str__(self) -> str:
        return f"{self.currency} {self.units_per_yen}"


class Promotion(models.Model):
    """What takes something off a price, when and how often. Its rule may change; what it took off does not."""

    code = models.CharField(max_length=32)
    #: Texts by language tag, as a plan's.
    name = models.JSONField()
    #: `PromotionRule.to_json`: what it takes off, and where and when it applies.
    rule = models.JSONField()
    #: Whether it asks for one of its coupons; else it applies by itself.
    needs_coupon = models.BooleanField()
    uses_max = models.PositiveIntegerField(null=True)
    uses_max_per_customer = models.PositiveIntegerField(null=True)
    uses_max_per_coupon = models.PositiveIntegerField(null=True)
    #: What it may take off in all.
    budget_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    #: How many redemptions hold it and what they take off; written under this row's lock, by `redemptions` alone.
    uses = models.PositiveIntegerField(default=0)
    spent_minor = models.BigIntegerField(default=0)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["code"], name="catalog_promotion_code"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Z0-9-]{1,32}$"), name="catalog_promotion_code_letters"
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="catalog_promotion_currency"),
            models.CheckConstraint(condition=Q(spent_minor__gte=0), name="catalog_promotion_spent"),
        )

    def __str__(self) -> str:
        return self.code

    def name_in(self, language: str) -> str:
        """The promotion's name in a language (Django's or the file's spelling of its tag), else in English."""
        return text_in(self.name, language)


class Coupon(models.Model):
    """A code that opens a promotion to whoever knows it."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="coupons")
    code = models.CharField(max_length=32)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["code"], name="catalog_coupon_code"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z0-9]{4,32}$"), name="catalog_coupon_code_letters"),
        )

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """One use of a promotion by one order, from the moment that the order is placed."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="redemptions")
    #: The order, by its number.
    purpose = models.TextField()
    #: The account that ordered; null for a card that was opened with its PIN.
    account_id = models.BigIntegerField(null=True)
    #: The card that was ordered for.
    card_id = models.BigIntegerField()
    #: The coupon that was given; "" where none was needed.
    coupon = models.CharField(max_length=32, default="", blank=True)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=8, default=RESERVED)
    created_at = models.DateTimeField()
    moved_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["purpose", "promotion"], name="catalog_redemption_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="catalog_redemption_amount"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(REDEMPTION_STATES.moves)), name="catalog_redemption_state"
            ),
        )
        indexes = (
            models.Index(fields=["promotion", "account_id"], name="catalog_redemption_account"),
            models.Index(fields=["promotion", "card_id"], name="catalog_redemption_card"),
            models.Index(fields=["promotion", "coupon"], name="catalog_redemption_coupon", condition=~Q(coupon="")),
        )

    def __str__(self) -> str:
        return f"{self.promotion_id} {self.purpose}"
