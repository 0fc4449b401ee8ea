# SPDX-License-Identifier: Apache-2.0
"""Orders: what was ordered and by whom, what was paid, and what came of it."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from tsuzuku.cards.models import CardKind
from tsuzuku.channels.console.models import OrderEntry
from tsuzuku.channels.console.names import names_of
from tsuzuku.channels.console.pages.reading import ReadingAdmin, StateFilter, digits_in
from tsuzuku.channels.console.pages.showing import (
    capture_rows,
    dispute_rows,
    move_rows,
    notice_rows,
    payment_rows,
    proposal_rows,
    refund_rows,
)
from tsuzuku.channels.console.sheets import Cell, Section, link, moment, money, said
from tsuzuku.channels.console.words import state_tag
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders.numbers import parse_number
from tsuzuku.payments.models import Payment, ProviderNotice, RefundProposal
from tsuzuku.payments.queries import captures_of, disputes_of, refunds_of
from tsuzuku.receipts.models import Receipt
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.price_lines import NEW_CARD, POSTAGE


class OrderStates(StateFilter):
    """Orders by state."""

    title = gettext_lazy("State")
    subject = "order"


class OrderAdmin(ReadingAdmin[OrderEntry]):
    """Orders."""

    slug = "orders"
    list_display = ("order_number", "order_state", "price", "channel", "payer_address", "ordered_at")
    list_filter = (OrderStates,)
    list_select_related = ("payer",)
    search_help_text = gettext_lazy("Order number, card number or e-mail address")

    def found(self, text: str) -> Q:
        if "@" in text:
            return Q(payer__email=text.lower()) | Q(email__iexact=text)
        if digits_in(text).isdecimal():
            return Q(renewal__card__iccid__startswith=digits_in(text)[:19])
        return Q(number=parse_number(text) or text)

    @display(description=gettext_lazy("Number"))
    def order_number(self, order: OrderEntry) -> str:
        """How people name it."""
        return order.number

    @display(description=gettext_lazy("State"))
    def order_state(self, order: OrderEntry) -> SafeString:
        """Where it stands."""
        return state_tag("order", order.state)

    @display(description=gettext_lazy("Price"))
    def price(self, order: OrderEntry) -> str:
        """What it costs."""
        return formats.money(order.price)

    @display(description=gettext_lazy("E-mail"))
    def payer_address(self, order: OrderEntry) -> str:
        """Whom it belongs to."""
        return said(order.email or (str(order.payer or "")))

    @display(description=gettext_lazy("Ordered"))
    def ordered_at(self, order: OrderEntry) -> str:
        """When it was placed."""
        return moment(order.created_at, now=clock.now())

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEntry]:
        found: QuerySet[OrderEntry] = super().get_queryset(request).select_related("payer")
        return found

    def sections(self, row: OrderEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        payments = list(Payment.objects.filter(purpose=row.number).order_by("pk"))
        captures = captures_of(row.number)
        refunds = refunds_of(row.number)
        notices = ProviderNotice.objects.filter(payment__in=payments).order_by("pk")
        proposals = RefundProposal.objects.filter(capture__in=captures).select_related("capture").order_by("pk")
        return [
            Section(title=_("Order"), pairs=self._about(row, request)),
            Section(
                title=_("Price"),
                headers=[_("What"), _("Amount")],
                rows=[(_line_name(line), money(line["amount_minor"], row.currency)) for line in row.lines],
            ),
            *_renewal_sections(row, request),
            Section(title=_("Payments"), **payment_rows(payments, now=now)),
            Section(title=_("Money taken"), **capture_rows(captures, now=now)),
            Section(title=_("Refunds"), **refund_rows(refunds, now=now)),
            Section(title=_("Proposals to give money back"), **proposal_rows(proposals, now=now)),
            Section(title=_("Disputes"), **dispute_rows(disputes_of(row.number), now=now)),
            Section(title=_("What the provider told"), **notice_rows(notices, now=now)),
            Section(title=_("What became of the order"), **move_rows("order", list(row.moves.order_by("pk")), now=now)),
        ]

    def _about(self, order: OrderEntry, request: HttpRequest) -> list[tuple[str, Cell]]:
        now = clock.now()
        receipt = Receipt.objects.filter(order_id=order.pk, sequence__isnull=False).first()
        return [
            (_("State"), state_tag("order", order.state)),
            (_("Price"), formats.money(order.price)),
            (_("Door"), order.channel),
            (_("Account"), said(str(order.payer or ""))),
            (_("E-mail"), said(order.email)),
            (_("Language"), order.language),
            (_("Placed by"), names_of([order.actor])[order.actor]),
            (_("Placed"), moment(order.created_at, now=now)),
            (_("To be paid by"), moment(order.expires_at, now=now)),
            (_("Receipt"), said(receipt.number if receipt else "")),
        ]


def _line_name(line: dict[str, Any]) -> str:
    if NEW_CARD in line:
        return str(CardKind(line[NEW_CARD]).label)
    if POSTAGE in line:
        return _("Post")
    return str(line.get("plan") or line.get("promotion") or "–")


def _renewal_sections(order: OrderEntry, request: HttpRequest) -> list[Section]:
    """What the order pays for, and how it went."""
    now = clock.now()
    renewal = Renewal.objects.filter(order_id=order.pk).select_related("card", "plan", "terms").first()
    if renewal is None:
        return []
    may_see_card = request.user.has_perm("console.view_cardentry")
    iccid: Cell = renewal.card.iccid
    about: list[tuple[str, Cell]] = [
        (_("State"), state_tag("renewal", renewal.state)),
        (_("Card"), link(iccid, "cardentry", renewal.card_id) if may_see_card else iccid),
        (_("Plan"), renewal.plan.code),
        (_("Name"), renewal.name_in(get_language() or "en")),
        (_("Carrier"), renewal.card.carrier),
        (_("Carrier's reference"), said(renewal.carrier_reference)),
        (_("Why refused"), said(renewal.refusal)),
        (_("Counts from"), moment(renewal.credited_at, now=now)),
        (_("Tries"), formats.number(renewal.attempts)),
    ]
    moves = list(renewal.moves.order_by("pk"))
    return [
        Section(title=_("Renewal"), pairs=about),
        Section(title=_("What became of the renewal"), **move_rows("renewal", moves, now=now)),
    ]
