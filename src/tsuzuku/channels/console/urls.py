# SPDX-License-Identifier: Apache-2.0
"""The console's addresses. Those of the second factor have the names that allauth sends people to."""

from django.urls import path

from tsuzuku.channels.console import second_factor
from tsuzuku.channels.console.models import (
    CardEntry,
    DifferenceEntry,
    DisputeEntry,
    OrderEntry,
    ParcelEntry,
    PartnerEntry,
    PaymentEntry,
    PromotionEntry,
    ProposalEntry,
    RefundEntry,
    SalesEntry,
    SettlementEntry,
    TrailEntry,
)
from tsuzuku.channels.console.pages.books import DifferenceAdmin, SalesAdmin, SettlementAdmin
from tsuzuku.channels.console.pages.cards import CardAdmin
from tsuzuku.channels.console.pages.money import DisputeAdmin, PaymentAdmin, ProposalAdmin, RefundAdmin
from tsuzuku.channels.console.pages.offers import PartnerAdmin, PromotionAdmin
from tsuzuku.channels.console.pages.orders import OrderAdmin
from tsuzuku.channels.console.pages.parcels import ParcelAdmin
from tsuzuku.channels.console.pages.trail import TrailAdmin
from tsuzuku.channels.console.site import site

site.register(OrderEntry, OrderAdmin)
site.register(PaymentEntry, PaymentAdmin)
site.register(RefundEntry, RefundAdmin)
site.register(ProposalEntry, ProposalAdmin)
site.register(DisputeEntry, DisputeAdmin)
site.register(DifferenceEntry, DifferenceAdmin)
site.register(SettlementEntry, SettlementAdmin)
site.register(SalesEntry, SalesAdmin)
site.register(PromotionEntry, PromotionAdmin)
site.register(CardEntry, CardAdmin)
site.register(ParcelEntry, ParcelAdmin)
site.register(PartnerEntry, PartnerAdmin)
site.register(TrailEntry, TrailAdmin)

urlpatterns = [
    path("code", second_factor.CodeView.as_view(), name="mfa_authenticate"),
    path("code/again", second_factor.AskCodeAgainView.as_view(), name="mfa_reauthenticate"),
    path("password", second_factor.AskPasswordAgainView.as_view(), name="account_reauthenticate"),
    path("second-factor", second_factor.second_factor, name="mfa_index"),
    # Where allauth sends somebody who has one and wants to set one up.
    path("second-factor", second_factor.second_factor, name="mfa_deactivate_totp"),
    path("second-factor/set-up", second_factor.SetUpView.as_view(), name="mfa_activate_totp"),
    path("second-factor/codes", second_factor.CodesView.as_view(), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new", second_factor.NewCodesView.as_view(), name="mfa_generate_recovery_codes"),
    path("", site.urls),
]
