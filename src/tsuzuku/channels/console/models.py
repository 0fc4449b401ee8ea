# SPDX-License-Identifier: Apache-2.0
"""What the console shows, under the names it has there. No table of its own: permissions hang on these."""

from typing import ClassVar

from django.db.models import Count, Manager, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from tsuzuku.cards.models import Card
from tsuzuku.catalog.models import Promotion
from tsuzuku.journal.models import Fact
from tsuzuku.new_cards.models import Parcel
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Dispute, Payment, Refund, RefundProposal
from tsuzuku.reports.kinds import INFORMATION
from tsuzuku.reports.models import SettlementDifference, SettlementFile
from tsuzuku.sellers.models import Partner


class OrderEntry(Order):
    """An order."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (
            ("resend_receipt", "Send receipts again"),
            ("resolve_order", "Resolve held orders"),
        )
        verbose_name = _("Order")
        verbose_name_plural = _("Orders")

    def __str__(self) -> str:
        return self.number


class PaymentEntry(Payment):
    """A payment."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("Payment")
        verbose_name_plural = _("Payments")

    def __str__(self) -> str:
        return f"{self.pk}"


class RefundEntry(Refund):
    """A refund."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("settle_refund", "Settle failed refunds"),)
        verbose_name = _("Refund")
        verbose_name_plural = _("Refunds")

    def __str__(self) -> str:
        return f"{self.pk}"


class ProposalEntry(RefundProposal):
    """A proposal to give money back."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (
            ("propose_refund", "Propose refunds"),
            ("approve_refund", "Decide about refunds"),
        )
        verbose_name = _("Proposal")
        verbose_name_plural = _("Proposals")

    def __str__(self) -> str:
        return f"{self.pk}"


class DisputeEntry(Dispute):
    """A dispute."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("take_evidence", "Take the evidence of disputes"),)
        verbose_name = _("Dispute")
        verbose_name_plural = _("Disputes")

    def __str__(self) -> str:
        return self.reference


class PromotionEntry(Promotion):
    """A promotion."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("offer_promotion", "Withdraw and offer promotions"),)
        verbose_name = _("Promotion")
        verbose_name_plural = _("promotions")


class CardEntry(Card):
    """A card, as far as support needs it."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("clear_flag", "Take flags down"),)
        verbose_name = _("Card")
        verbose_name_plural = _("Cards")

    def __str__(self) -> str:
        return self.iccid


class ParcelEntry(Parcel):
    """A card that is posted, with its address for who packs it."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("send_parcel", "Pack and send cards"),)
        verbose_name = _("Parcel")
        verbose_name_plural = _("Parcels")

    def __str__(self) -> str:
        return f"{self.pk}"


class PartnerEntry(Partner):
    """A partner and its account."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("Partner")
        verbose_name_plural = _("Partners")


class DifferenceEntry(SettlementDifference):
    """A difference between a provider's file and our books."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("settle_difference", "See to differences"),)
        verbose_name = _("Difference")
        verbose_name_plural = _("Differences")

    def __str__(self) -> str:
        return f"{self.pk}"


class SettlementManager(Manager["SettlementEntry"]):
    """Files with how many of their differences wait for a person."""

    def get_queryset(self) -> QuerySet["SettlementEntry"]:
        waits = Q(differences__resolved_at=None) & ~Q(differences__kind__in=sorted(INFORMATION))
        return super().get_queryset().annotate(waiting=Count("differences", filter=waits))


class SettlementEntry(SettlementFile):
    """A provider's settlement file."""

    objects: ClassVar[SettlementManager] = SettlementManager()

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("Settlement file")
        verbose_name_plural = _("Settlement files")

    def __str__(self) -> str:
        return self.name


class SalesEntry(Order):
    """Orders, as far as figures of sales need them."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("Figures of sales")
        verbose_name_plural = _("Figures of sales")


class TrailManager(Manager["TrailEntry"]):
    """Of all facts only those of the trail."""

    def get_queryset(self) -> QuerySet["TrailEntry"]:
        return super().get_queryset().filter(kind__startswith="staff-")


class TrailEntry(Fact):
    """Something that staff did, or that was done to them."""

    objects: ClassVar[TrailManager] = TrailManager()

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("Entry of the trail")
        verbose_name_plural = _("Trail")

    def __str__(self) -> str:
        return f"{self.pk}"
