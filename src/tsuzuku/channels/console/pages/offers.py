# SPDX-License-Identifier: Apache-2.0
"""Promotions, with what a price would be and why; and partners with their accounts."""

from collections.abc import Sequence

from django import forms
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from tsuzuku.catalog.errors import PlanUnknown
from tsuzuku.catalog.previews import PromotionPreview, preview_price
from tsuzuku.catalog.promotion_queries import promotion_names
from tsuzuku.channels.console.models import PartnerEntry, PromotionEntry
from tsuzuku.channels.console.pages.reading import ReadingAdmin
from tsuzuku.channels.console.sheets import Cell, Section, moment, money, said, tag, yes
from tsuzuku.channels.console.words import why_words
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.payments.spending import balance_of
from tsuzuku.sellers.queries import keys_of


class PreviewForm(forms.Form):
    """Which price is asked for."""

    plan = forms.CharField(label=gettext_lazy("Plan"), max_length=32, widget=UnfoldAdminTextInputWidget)
    channel = forms.CharField(
        label=gettext_lazy("Door"), max_length=32, initial="web", widget=UnfoldAdminTextInputWidget
    )
    coupon = forms.CharField(
        label=gettext_lazy("Coupon"), max_length=32, required=False, widget=UnfoldAdminTextInputWidget
    )


class PromotionAdmin(ReadingAdmin[PromotionEntry]):
    """Promotions."""

    slug = "promotions"
    list_display = ("code_shown", "name_shown", "standing", "opened_by", "uses_shown", "spent_shown")
    ordering = ("code",)
    search_help_text = gettext_lazy("Code of a promotion or a coupon")
    list_links = (("console_promotion_preview", gettext_lazy("Preview a price")),)

    def get_urls(self) -> list[URLPattern]:
        preview = path(
            "promotions/preview",
            self.admin_site.admin_view(require_safe(self.preview_view)),
            name="console_promotion_preview",
        )
        return [preview, *super().get_urls()]

    def found(self, text: str) -> Q:
        return Q(code=text.upper()) | Q(coupons__code=text.upper())

    @display(description=gettext_lazy("Code"))
    def code_shown(self, promotion: PromotionEntry) -> str:
        """Its code."""
        return promotion.code

    @display(description=gettext_lazy("Name"))
    def name_shown(self, promotion: PromotionEntry) -> str:
        """What it is called in the reader's language."""
        return promotion.name_in(get_language() or "en")

    @display(description=gettext_lazy("State"))
    def standing(self, promotion: PromotionEntry) -> Cell:
        """Whether it is offered."""
        return tag(_("Withdrawn"), "act") if promotion.withdrawn_at else tag(_("offered"), "good")

    @display(description=gettext_lazy("Applies"))
    def opened_by(self, promotion: PromotionEntry) -> str:
        """By itself, or to who has a code."""
        return _("with a coupon") if promotion.needs_coupon else _("by itself")

    @display(description=gettext_lazy("Uses"))
    def uses_shown(self, promotion: PromotionEntry) -> str:
        """How often, and how often at most."""
        return _of(formats.number(promotion.uses), promotion.uses_max and formats.number(promotion.uses_max))

    @display(description=gettext_lazy("Taken off"))
    def spent_shown(self, promotion: PromotionEntry) -> str:
        """How much, and how much at most."""
        most = promotion.budget_minor
        return _of(money(promotion.spent_minor, promotion.currency), most and money(most, promotion.currency))

    def sections(self, row: PromotionEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        about: list[tuple[str, Cell]] = [
            (_("Code"), row.code),
            (_("Name"), self.name_shown(row)),
            (_("State"), self.standing(row)),
            (_("Withdrawn"), moment(row.withdrawn_at, now=now)),
            (_("Applies"), self.opened_by(row)),
            (_("Coupons"), formats.number(row.coupons.count())),
            (_("Uses"), self.uses_shown(row)),
            (_("Uses per customer at most"), _most(row.uses_max_per_customer)),
            (_("Uses per coupon at most"), _most(row.uses_max_per_coupon)),
            (_("Taken off"), self.spent_shown(row)),
        ]
        rule = [(str(name), said(str(value))) for name, value in row.rule.items() if value not in (None, [], {}, "")]
        return [
            Section(title=_("Promotion"), pairs=about),
            Section(title=_("Its rule, as in the file"), headers=[_("Field"), _("Value")], rows=rule),
        ]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What a plan would cost a new customer now, line by line."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PreviewForm(request.GET or None)
        sections: list[Section] = []
        if form.is_valid():
            asked = form.cleaned_data
            try:
                found = preview_price(
                    plan_code=asked["plan"].strip().upper(),
                    channel=asked["channel"].strip(),
                    coupon=asked["coupon"],
                    now=clock.now(),
                )
            except PlanUnknown:
                form.add_error("plan", _("No such plan is sold at this door now."))
            else:
                sections = _preview_sections(found)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview a price"),
            "opts": self.opts,
            "form": form,
            "sections": sections,
        }
        return TemplateResponse(request, "console/preview.html", context)


class PartnerAdmin(ReadingAdmin[PartnerEntry]):
    """Partners and their accounts."""

    slug = "partners"
    list_display = ("name_shown", "cards_shown", "notices_to", "since")
    ordering = ("name",)
    search_help_text = gettext_lazy("Name")

    def found(self, text: str) -> Q:
        return Q(name__icontains=text)

    @display(description=gettext_lazy("Name"))
    def name_shown(self, partner: PartnerEntry) -> str:
        """Its name."""
        return partner.name

    @display(description=gettext_lazy("Cards"))
    def cards_shown(self, partner: PartnerEntry) -> str:
        """Which cards are its to renew."""
        return _("all cards") if partner.all_cards else said(", ".join(partner.card_groups))

    @display(description=gettext_lazy("Notices go to"))
    def notices_to(self, partner: PartnerEntry) -> str:
        """Its address."""
        return said(partner.email)

    @display(description=gettext_lazy("Partner since"))
    def since(self, partner: PartnerEntry) -> str:
        """Since when."""
        return formats.full_day(formats.local(partner.created_at).date())

    def sections(self, row: PartnerEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        balance = balance_of(row.actor)
        low = row.low_balance_minor
        about: list[tuple[str, Cell]] = [
            (_("Name"), row.name),
            (_("Balance"), formats.money(balance.balance)),
            (_("Credit limit"), formats.money(balance.credit_limit)),
            (_("Told below"), said("" if low is None else money(low, balance.balance.currency))),
            (_("Notices go to"), said(row.email)),
            (_("Cards"), self.cards_shown(row)),
            (_("Partner since"), self.since(row)),
            (_("Webhooks"), yes(bool(row.webhook_url))),
            (_("Webhooks not answered since"), moment(row.webhook_silent_since, now=now)),
        ]
        keys = [
            (f"{key.pk}", " ".join(key.scopes), moment(key.created_at, now=now), moment(key.revoked_at, now=now))
            for key in keys_of(row)
        ]
        return [
            Section(title=_("Partner"), pairs=about),
            Section(
                title=_("Keys"),
                headers=[_("Key"), _("May do"), _("Made"), _("Revoked")],
                rows=keys,
                empty=_("It has none yet."),
            ),
        ]


def _of(much: str, most: str | int | None) -> str:
    return _("%(much)s of %(most)s") % {"much": much, "most": most} if most else much


def _most(count: int | None) -> str:
    return _("no limit") if count is None else formats.number(count)


def _preview_sections(found: PromotionPreview) -> list[Section]:
    names = promotion_names([*(code for code, _amount in found.takings), *found.passed_over], get_language() or "en")
    lines = [
        (_("the plan"), formats.money(found.full_price)),
        *((names.get(code, code), money(-amount, found.price.currency)) for code, amount in found.takings),
        (_("To pay"), formats.money(found.price)),
    ]
    if found.is_coupon_unknown:
        lines.append((_("There is no such coupon."), ""))
    return [
        Section(title=_("Price"), headers=[_("What"), _("Amount")], rows=lines),
        Section(
            title=_("What does not apply"),
            headers=[_("Promotion"), _("Why")],
            rows=[(names.get(code, code), why_words(why)) for code, why in found.passed_over.items()],
            empty=_("Everything applies."),
        ),
    ]
