# SPDX-License-Identifier: Apache-2.0
"""Payments and refunds."""

from collections.abc import Sequence

from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tsuzuku.channels.console.models import DisputeEntry, PaymentEntry, ProposalEntry, RefundEntry
from tsuzuku.channels.console.names import names_of
from tsuzuku.channels.console.pages.reading import ReadingAdmin, StateFilter
from tsuzuku.channels.console.pages.showing import capture_rows, notice_rows, refund_rows
from tsuzuku.channels.console.sheets import Cell, Section, link, moment, money, said, yes
from tsuzuku.channels.console.words import state_tag
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders.models import Order
from tsuzuku.orders.numbers import parse_number
from tsuzuku.payments.models import Refund


class PaymentStates(StateFilter):
    """Payments by state."""

    title = gettext_lazy("State")
    subject = "payment"


class RefundStates(StateFilter):
    """Refunds by state."""

    title = gettext_lazy("State")
    subject = "refund"


class PaymentAdmin(ReadingAdmin[PaymentEntry]):
    """Payments."""

    slug = "payments"
    list_display = ("reference_shown", "purpose_shown", "payment_state", "amount_shown", "by", "started_at")
    list_filter = (PaymentStates,)
    search_help_text = gettext_lazy("Order number or the provider's reference")

    def found(self, text: str) -> Q:
        return Q(purpose=parse_number(text) or text) | Q(reference=text) | Q(captures__reference=text)

    @display(description=gettext_lazy("Payment"))
    def reference_shown(self, payment: PaymentEntry) -> str:
        """Our number of it."""
        return f"{payment.pk}"

    @display(description=gettext_lazy("Order"))
    def purpose_shown(self, payment: PaymentEntry) -> str:
        """What it pays for."""
        return payment.purpose

    @display(description=gettext_lazy("State"))
    def payment_state(self, payment: PaymentEntry) -> SafeString:
        """Where it stands."""
        return state_tag("payment", payment.state)

    @display(description=gettext_lazy("Amount"))
    @display(description=gettext_lazy("Amount"))
    def amount_shown(self, payment: PaymentEntry) -> str:
        """How much."""
        return formats.money(payment.amount)

    @display(description=gettext_lazy("Method"))
    def by(self, payment: PaymentEntry) -> str:
        """Provider and method."""
        return f"{payment.provider} · {payment.method}"

    @display(description=gettext_lazy("Started"))
    def started_at(self, payment: PaymentEntry) -> str:
        """When."""
        return moment(payment.created_at, now=clock.now())

    def sections(self, row: PaymentEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        captures = list(row.captures.order_by("pk"))
        refunds = list(Refund.objects.filter(capture__in=captures).select_related("capture").order_by("pk"))
        about: list[tuple[str, Cell]] = [
            (_("Order"), _order_link(row.purpose)),
            (_("State"), state_tag("payment", row.state)),
            (_("Amount"), formats.money(row.amount)),
            (_("Provider"), row.provider),
            (_("Method"), row.method),
            (_("Provider's reference"), said(row.reference)),
            (_("Why it failed"), said(row.failure)),
            (_("Started"), moment(row.created_at, now=now)),
            (_("Provider last asked"), moment(row.asked_at, now=now)),
        ]
        return [
            Section(title=_("Payment"), pairs=about),
            Section(title=_("Money taken"), **capture_rows(captures, now=now)),
            Section(title=_("Refunds"), **refund_rows(refunds, now=now)),
            Section(title=_("What the provider told"), **notice_rows(row.notices.order_by("pk"), now=now)),
        ]


class RefundAdmin(ReadingAdmin[RefundEntry]):
    """Refunds."""

    slug = "refunds"
    list_display = ("refund_number", "refund_state", "amount_shown", "order_shown", "why", "asked_at")
    list_filter = (RefundStates,)
    list_select_related = ("capture__payment",)
    search_help_text = gettext_lazy("Order number or the provider's reference")

    def found(self, text: str) -> Q:
        return Q(capture__payment__purpose=parse_number(text) or text) | Q(reference=text)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundEntry]:
        found: QuerySet[RefundEntry] = super().get_queryset(request).select_related("capture__payment")
        return found

    @display(description=gettext_lazy("Refund"))
    def refund_number(self, refund: RefundEntry) -> str:
        """Our number of it."""
        return f"{refund.pk}"

    @display(description=gettext_lazy("State"))
    def refund_state(self, refund: RefundEntry) -> SafeString:
        """Where it stands."""
        return state_tag("refund", refund.state)

    def amount_shown(self, refund: RefundEntry) -> str:
        """How much."""
        return formats.money(refund.amount)

    @display(description=gettext_lazy("Order"))
    def order_shown(self, refund: RefundEntry) -> str:
        """Of which order."""
        return refund.capture.payment.purpose

    @display(description=gettext_lazy("Reason"))
    def why(self, refund: RefundEntry) -> str:
        """Why."""
        return said(refund.reason)

    @display(description=gettext_lazy("Asked for"))
    def asked_at(self, refund: RefundEntry) -> str:
        """When."""
        return moment(refund.requested_at, now=clock.now())

    def sections(self, row: RefundEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        payment = row.capture.payment
        names = names_of([row.actor, row.closed_by, row.close_approved_by])
        about: list[tuple[str, Cell]] = [
            (_("Order"), _order_link(payment.purpose)),
            (_("Payment"), link(payment.pk, "paymententry", payment.pk)),
            (_("State"), state_tag("refund", row.state)),
            (_("Amount"), formats.money(row.amount)),
            (_("Of money taken"), money(row.capture.amount_minor, row.capture.currency)),
            (_("Provider"), row.capture.provider),
            (_("Provider's reference"), said(row.reference)),
            (_("Reason"), said(row.reason)),
            (_("Asked for by"), names[row.actor]),
            (_("Asked for"), moment(row.requested_at, now=now)),
            (_("Done"), moment(row.done_at, now=now)),
            (_("What went wrong"), said(row.problem)),
            (_("Given back another way"), said(row.closed_note)),
            (_("Booked so by"), said(names[row.closed_by])),
            (_("Confirmed by a second person"), said(names[row.close_approved_by])),
        ]
        return [Section(title=_("Refund"), pairs=about)]


class ProposalStates(StateFilter):
    """Proposals by state."""

    title = gettext_lazy("State")
    subject = "proposal"


class ProposalAdmin(ReadingAdmin[ProposalEntry]):
    """Proposals to give money back."""

    slug = "proposals"
    list_display = ("proposal_number", "proposal_state", "amount_shown", "order_shown", "why", "by", "proposed")
    list_filter = (ProposalStates,)
    list_select_related = ("capture__payment",)
    search_help_text = gettext_lazy("Order number")

    def found(self, text: str) -> Q:
        return Q(capture__payment__purpose=parse_number(text) or text)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProposalEntry]:
        found: QuerySet[ProposalEntry] = super().get_queryset(request).select_related("capture__payment")
        return found

    @display(description=gettext_lazy("Proposal"))
    def proposal_number(self, proposal: ProposalEntry) -> str:
        """Our number of it."""
        return f"{proposal.pk}"

    @display(description=gettext_lazy("State"))
    def proposal_state(self, proposal: ProposalEntry) -> SafeString:
        """Where it stands."""
        return state_tag("proposal", proposal.state)

    @display(description=gettext_lazy("Amount"))
    def amount_shown(self, proposal: ProposalEntry) -> str:
        """How much."""
        return formats.money(proposal.amount)

    @display(description=gettext_lazy("Order"))
    def order_shown(self, proposal: ProposalEntry) -> str:
        """Of which order."""
        return proposal.capture.payment.purpose

    @display(description=gettext_lazy("Reason"))
    def why(self, proposal: ProposalEntry) -> str:
        """Why."""
        return proposal.reason

    @display(description=gettext_lazy("Proposed by"))
    def by(self, proposal: ProposalEntry) -> str:
        """Who."""
        return proposal.proposed_by

    @display(description=gettext_lazy("Proposed"))
    def proposed(self, proposal: ProposalEntry) -> str:
        """When."""
        return moment(proposal.proposed_at, now=clock.now())

    def sections(self, row: ProposalEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        capture = row.capture
        names = names_of([row.proposed_by, row.decided_by])
        about: list[tuple[str, Cell]] = [
            (_("Order"), _order_link(capture.payment.purpose)),
            (_("State"), state_tag("proposal", row.state)),
            (_("Amount"), formats.money(row.amount)),
            (_("Of money taken"), formats.money(capture.amount)),
            (_("Provider"), capture.provider),
            (_("Reason"), row.reason),
            (_("Needs a second person"), yes(row.needs_approval)),
            (_("Proposed by"), names[row.proposed_by]),
            (_("Proposed"), moment(row.proposed_at, now=now)),
            (_("Decided by"), said(names[row.decided_by])),
            (_("Decided"), moment(row.decided_at, now=now)),
            (_("Why declined"), said(row.note)),
            (_("Refund"), link(row.refund_id, "refundentry", row.refund_id) if row.refund_id else "–"),
        ]
        return [Section(title=_("Proposal"), pairs=about)]


class DisputeStates(StateFilter):
    """Disputes by state."""

    title = gettext_lazy("State")
    subject = "dispute"


class DisputeAdmin(ReadingAdmin[DisputeEntry]):
    """Disputes."""

    slug = "disputes"
    list_display = ("reference", "dispute_state", "amount_shown", "order_shown", "provider", "opened")
    list_filter = (DisputeStates,)
    list_select_related = ("capture__payment",)
    search_help_text = gettext_lazy("Order number or the provider's reference")

    def found(self, text: str) -> Q:
        return Q(capture__payment__purpose=parse_number(text) or text) | Q(reference=text)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DisputeEntry]:
        found: QuerySet[DisputeEntry] = super().get_queryset(request).select_related("capture__payment")
        return found

    @display(description=gettext_lazy("State"))
    def dispute_state(self, dispute: DisputeEntry) -> SafeString:
        """Where it stands."""
        return state_tag("dispute", dispute.state)

    @display(description=gettext_lazy("Amount"))
    def amount_shown(self, dispute: DisputeEntry) -> str:
        """How much."""
        return formats.money(dispute.amount)

    @display(description=gettext_lazy("Order"))
    def order_shown(self, dispute: DisputeEntry) -> str:
        """About which order."""
        return dispute.capture.payment.purpose

    @display(description=gettext_lazy("Opened"))
    def opened(self, dispute: DisputeEntry) -> str:
        """When."""
        return moment(dispute.opened_at, now=clock.now())

    def sections(self, row: DisputeEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        payment = row.capture.payment
        about: list[tuple[str, Cell]] = [
            (_("Order"), _order_link(payment.purpose)),
            (_("Payment"), link(payment.pk, "paymententry", payment.pk)),
            (_("State"), state_tag("dispute", row.state)),
            (_("Amount"), formats.money(row.amount)),
            (_("Of money taken"), formats.money(row.capture.amount)),
            (_("Provider"), row.provider),
            (_("Provider's reference"), row.reference),
            (_("Reason"), said(row.reason)),
            (_("Opened"), moment(row.opened_at, now=now)),
            (_("Ended"), moment(row.ended_at, now=now)),
        ]
        return [Section(title=_("Dispute"), pairs=about)]


def _order_link(number: str) -> Cell:
    """The order of a number as a link; what is paid for need not be an order."""
    pk = Order.objects.filter(number=number).values_list("pk", flat=True).first()
    return link(number, "orderentry", pk) if pk else number
