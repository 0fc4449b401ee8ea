# SPDX-License-Identifier: Apache-2.0
"""What staff may do: each deed with its permission, its form, and the room's action that it calls."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tsuzuku.cards.flags import clear_flag, flags_of
from tsuzuku.catalog.promotion_import import offer_promotion_again, withdraw_promotion
from tsuzuku.channels.console.models import (
    CardEntry,
    DifferenceEntry,
    DisputeEntry,
    OrderEntry,
    ParcelEntry,
    PromotionEntry,
    ProposalEntry,
    RefundEntry,
)
from tsuzuku.channels.console.sheets import money
from tsuzuku.channels.console.words import deed_name, refusal_words
from tsuzuku.look import formats
from tsuzuku.new_cards import states as parcel_states
from tsuzuku.new_cards.errors import TrackingMalformed
from tsuzuku.new_cards.parcels import CARRIER_LENGTH_MAX, mark_packed, mark_shipped, read_tracking, withdraw_parcel
from tsuzuku.orders import states as order_states
from tsuzuku.orders.resolving import accept_held_order, return_held_order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.failed_refunds import close_refund, retry_refund
from tsuzuku.payments.models import Capture, CaptureOutcome
from tsuzuku.payments.proposing import approve_refund, decline_refund, propose_refund
from tsuzuku.receipts.handing_out import mail_receipt
from tsuzuku.receipts.queries import receipt_of
from tsuzuku.receipts.texts import receipt_language
from tsuzuku.reports.reconciling import resolve_difference
from tsuzuku.support.actions import keep_evidence

REASON_LENGTH_MAX = 300


class ReasonForm(forms.Form):
    """Why something is done, which everything that staff do asks for."""

    #: The page's: pressing twice acts once.
    key = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"), max_length=REASON_LENGTH_MAX, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:  # noqa: ANN401  # whatever the deed is about
        super().__init__(*args, **kwargs)
        self.row = row

    def details(self) -> list[tuple[str, str]]:
        """What is asked for beside the reason, as the confirmation shows it and the trail keeps it."""
        return []


@dataclass(frozen=True, kw_only=True)
class Doer:
    """Who does it, when, and under which key."""

    actor: str
    now: datetime
    key: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One thing that staff may do about a row."""

    name: str
    #: Whose page it stands on.
    slug: str
    #: What will happen, said before it does.
    explanation: str | Promise
    permission: str
    #: Whether it makes sense for a row as it is; the action itself has the last word.
    fits: Callable[[Any], bool]
    #: The row as facts name it.
    subject: Callable[[Any], str]
    act: Callable[[Any, Mapping[str, Any], Doer], None]
    form: type[ReasonForm] = ReasonForm
    #: Asks for the second factor once more.
    is_money: bool = False
    #: What is handed out when it is done; else its page is shown again.
    hand_out: Callable[[Any, Doer], HttpResponse] | None = None

    @property
    def title(self) -> str:
        """What is done, in words."""
        return deed_name(self.name)


# -- orders ----------------------------------------------------------------------------------------------------------


def order_subject(order: OrderEntry) -> str:
    """An order as facts name it."""
    return f"order:{order.number}"


def _address(order: OrderEntry) -> str:
    return order.email or (order.payer.mail_address if order.payer else "")


def _has_receipt_to_send(order: OrderEntry) -> bool:
    return bool(_address(order)) and receipt_of(order) is not None


def _resend_receipt(order: OrderEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    receipt = receipt_of(order)
    if receipt is not None:
        language = receipt_language(order.language)
        mail_receipt(receipt, address=_address(order), language=language, key=doer.key, actor=doer.actor, now=doer.now)


class RefundForm(ReasonForm):
    """How much of which payment goes back."""

    capture = forms.ModelChoiceField(
        label=_("Of which payment"), queryset=Capture.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    amount_minor = forms.IntegerField(
        label=_("Amount, in the currency's smallest unit"),
        help_text=_("Yen as they are. Empty: all that is left."),
        min_value=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ("capture", "amount_minor", "reason")

    def __init__(self, *args: Any, row: OrderEntry, **kwargs: Any) -> None:  # noqa: ANN401  # Django's
        super().__init__(*args, row=row, **kwargs)
        captures = self.fields["capture"]
        captures.queryset = Capture.objects.filter(payment__purpose=row.number).order_by("pk")  # type: ignore[attr-defined]  # of its class
        captures.label_from_instance = _capture_name  # type: ignore[attr-defined]  # of its class

    def details(self) -> list[tuple[str, str]]:
        capture, amount = self.cleaned_data["capture"], self.cleaned_data["amount_minor"]
        much = gettext("all that is left") if amount is None else money(amount, capture.currency)
        return [(gettext("Of which payment"), _capture_name(capture)), (gettext("Amount"), much)]


def _capture_name(capture: Capture) -> str:
    return f"{formats.money(capture.amount)} · {capture.provider} · {capture.reference}"


def _has_money(order: OrderEntry) -> bool:
    captures = Capture.objects.filter(payment__purpose=order.number)
    return captures.exclude(outcome__in=[CaptureOutcome.UNDECIDED, CaptureOutcome.HELD]).exists()


def _propose(order: OrderEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    propose_refund(
        capture_id=asked["capture"].pk,
        amount_minor=asked["amount_minor"],
        reason=asked["reason"],
        actor=doer.actor,
        key=doer.key,
        now=doer.now,
    )


def _is_held(order: OrderEntry) -> bool:
    return order.state == order_states.HELD


def _accept_held(order: OrderEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    accept_held_order(number=order.number, reason=asked["reason"], actor=doer.actor, now=doer.now)


def _return_held(order: OrderEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    return_held_order(number=order.number, reason=asked["reason"], actor=doer.actor, now=doer.now)


# -- proposals and refunds -------------------------------------------------------------------------------------------


def proposal_subject(proposal: ProposalEntry) -> str:
    """The order that a proposal is about, as facts name it."""
    return f"order:{proposal.capture.payment.purpose}"


def _waits(proposal: ProposalEntry) -> bool:
    return proposal.state == payment_states.WAITING


def _approve(proposal: ProposalEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    approve_refund(proposal_id=proposal.pk, actor=doer.actor, now=doer.now)


def _decline(proposal: ProposalEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    decline_refund(proposal_id=proposal.pk, note=asked["reason"], actor=doer.actor, now=doer.now)


def refund_subject(refund: RefundEntry) -> str:
    """The order whose money goes back, as facts name it."""
    return f"order:{refund.capture.payment.purpose}"


def _has_failed(refund: RefundEntry) -> bool:
    return refund.state == payment_states.FAILED


def _retry(refund: RefundEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    retry_refund(refund_id=refund.pk, actor=doer.actor, now=doer.now)


def _close(refund: RefundEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    close_refund(refund_id=refund.pk, note=asked["reason"], actor=doer.actor, now=doer.now)


# -- disputes --------------------------------------------------------------------------------------------------------


def dispute_subject(dispute: DisputeEntry) -> str:
    """The order that a dispute is about, as facts name it."""
    return f"order:{dispute.capture.payment.purpose}"


def _keep_evidence(dispute: DisputeEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    keep_evidence(dispute_id=dispute.pk, now=doer.now)


def _hand_out_evidence(dispute: DisputeEntry, doer: Doer) -> HttpResponse:
    kept = keep_evidence(dispute_id=dispute.pk, now=doer.now)
    named = {"Content-Disposition": f'attachment; filename="dispute-{dispute.pk}.zip"'}
    return HttpResponse(bytes(kept.file), content_type="application/zip", headers=named)


# -- cards -----------------------------------------------------------------------------------------------------------


def card_subject(card: CardEntry) -> str:
    """A card as facts name it."""
    return f"card:{card.pk}"


def _has_flags(card: CardEntry) -> bool:
    return card.pk in flags_of([card.pk])


def _clear_flags(card: CardEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    for flag in flags_of([card.pk]).get(card.pk, ()):
        clear_flag(flag_id=flag.pk, actor=doer.actor, note=asked["reason"], now=doer.now)


# -- parcels ---------------------------------------------------------------------------------------------------------


class ShipForm(ReasonForm):
    """Who carries it, and how it is followed."""

    carrier = forms.CharField(label=_("Post service"), max_length=CARRIER_LENGTH_MAX, widget=UnfoldAdminTextInputWidget)
    tracking_number = forms.CharField(label=_("Tracking number"), max_length=60, widget=UnfoldAdminTextInputWidget)
    field_order = ("carrier", "tracking_number", "reason")

    def clean_tracking_number(self) -> str:
        try:
            return read_tracking(self.cleaned_data["tracking_number"])
        except TrackingMalformed as malformed:
            raise forms.ValidationError(refusal_words(malformed)) from None

    def details(self) -> list[tuple[str, str]]:
        return [
            (gettext("Post service"), self.cleaned_data["carrier"]),
            (gettext("Tracking number"), self.cleaned_data["tracking_number"]),
        ]


def parcel_subject(parcel: ParcelEntry) -> str:
    """The order that a parcel is of, as facts name it."""
    return f"order:{parcel.new_card.order.number}"


def _pack(parcel: ParcelEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    mark_packed(parcel_id=parcel.pk, actor=doer.actor, now=doer.now)


def _ship(parcel: ParcelEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    mark_shipped(
        parcel_id=parcel.pk,
        carrier=asked["carrier"],
        tracking_number=asked["tracking_number"],
        actor=doer.actor,
        now=doer.now,
    )


def _stop_parcel(parcel: ParcelEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    withdraw_parcel(parcel_id=parcel.pk, reason=asked["reason"], actor=doer.actor, now=doer.now)


# -- differences -----------------------------------------------------------------------------------------------------


def difference_subject(difference: DifferenceEntry) -> str:
    """A difference as facts name it."""
    return f"difference:{difference.pk}"


def _settle_difference(difference: DifferenceEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    resolve_difference(difference_id=difference.pk, actor=doer.actor, note=asked["reason"], now=doer.now)


# -- promotions ------------------------------------------------------------------------------------------------------


def promotion_subject(promotion: PromotionEntry) -> str:
    """A promotion as facts name it."""
    return f"promotion:{promotion.code}"


def _withdraw(promotion: PromotionEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    withdraw_promotion(code=promotion.code, now=doer.now)


def _offer_again(promotion: PromotionEntry, asked: Mapping[str, Any], doer: Doer) -> None:
    offer_promotion_again(code=promotion.code)


_DEEDS = (
    Deed(
        name="resend-receipt",
        slug="orders",
        explanation=_("The receipt goes by mail to the payer's address, marked as a copy."),
        permission="console.resend_receipt",
        fits=_has_receipt_to_send,
        subject=order_subject,
        act=_resend_receipt,
    ),
    Deed(
        name="propose-refund",
        slug="orders",
        explanation=_("Up to the limit the money goes back at once; above it, it waits for a second person."),
        permission="console.propose_refund",
        fits=_has_money,
        subject=order_subject,
        act=_propose,
        form=RefundForm,
        is_money=True,
    ),
    Deed(
        name="accept-held",
        slug="orders",
        explanation=_(
            "The money that came pays the order, and what was ordered is given. What is above the price goes back."
        ),
        permission="console.resolve_order",
        fits=_is_held,
        subject=order_subject,
        act=_accept_held,
        is_money=True,
    ),
    Deed(
        name="return-held",
        slug="orders",
        explanation=_("All money that came for the order goes back, and what was ordered is not given."),
        permission="console.resolve_order",
        fits=_is_held,
        subject=order_subject,
        act=_return_held,
        is_money=True,
    ),
    Deed(
        name="approve-refund",
        slug="proposals",
        explanation=_("The money goes back to the payer now. Who proposed it cannot approve it."),
        permission="console.approve_refund",
        fits=_waits,
        subject=proposal_subject,
        act=_approve,
        is_money=True,
    ),
    Deed(
        name="decline-refund",
        slug="proposals",
        explanation=_("The money stays. Who proposed it reads your reason."),
        permission="console.approve_refund",
        fits=_waits,
        subject=proposal_subject,
        act=_decline,
        is_money=True,
    ),
    Deed(
        name="retry-refund",
        slug="refunds",
        explanation=_("The provider is asked once more, by a new refund in the place of this one."),
        permission="console.settle_refund",
        fits=_has_failed,
        subject=refund_subject,
        act=_retry,
        is_money=True,
    ),
    Deed(
        name="close-refund",
        slug="refunds",
        explanation=_(
            "Only if the payer has the money, by a bank transfer for example. Your reason says how. Above the limit it "
            "is kept until a second person books it so too."
        ),
        permission="console.settle_refund",
        fits=_has_failed,
        subject=refund_subject,
        act=_close,
        is_money=True,
    ),
    Deed(
        name="take-evidence",
        slug="disputes",
        explanation=_(
            "A file with all that the provider asks for: the order, what was told, paid, given and used. It holds the "
            "payer's data: give it to nobody else."
        ),
        permission="console.take_evidence",
        fits=lambda _dispute: True,
        subject=dispute_subject,
        act=_keep_evidence,
        hand_out=_hand_out_evidence,
    ),
    Deed(
        name="pack",
        slug="parcels",
        explanation=_("The card of this number is in its envelope, with this address on it."),
        permission="console.send_parcel",
        fits=lambda parcel: parcel.state == parcel_states.TO_PACK,
        subject=parcel_subject,
        act=_pack,
    ),
    Deed(
        name="ship",
        slug="parcels",
        explanation=_("The post has it. Its buyer gets a mail with the tracking number."),
        permission="console.send_parcel",
        fits=lambda parcel: parcel.state == parcel_states.PACKED,
        subject=parcel_subject,
        act=_ship,
        form=ShipForm,
    ),
    Deed(
        name="stop-parcel",
        slug="parcels",
        explanation=_("It stays here, and its address is deleted. Give the money back on the page of the order."),
        permission="console.send_parcel",
        fits=lambda parcel: parcel.state in {parcel_states.TO_PACK, parcel_states.PACKED},
        subject=parcel_subject,
        act=_stop_parcel,
    ),
    Deed(
        name="clear-flags",
        slug="cards",
        explanation=_("Whoever looks at the card is not told of them any more. What they were about stays as it is."),
        permission="console.clear_flag",
        fits=_has_flags,
        subject=card_subject,
        act=_clear_flags,
    ),
    Deed(
        name="settle-difference",
        slug="differences",
        explanation=_("It is not listed as open any more. No money moves, and the books stay as they are."),
        permission="console.settle_difference",
        fits=lambda difference: difference.is_open,
        subject=difference_subject,
        act=_settle_difference,
    ),
    Deed(
        name="withdraw-promotion",
        slug="promotions",
        explanation=_("It takes nothing off from now on. Orders that were placed with it keep their price."),
        permission="console.offer_promotion",
        fits=lambda promotion: promotion.withdrawn_at is None,
        subject=promotion_subject,
        act=_withdraw,
        is_money=True,
    ),
    Deed(
        name="offer-promotion",
        slug="promotions",
        explanation=_("It takes off again what its rule says, as often as its limits leave."),
        permission="console.offer_promotion",
        fits=lambda promotion: promotion.withdrawn_at is not None,
        subject=promotion_subject,
        act=_offer_again,
        is_money=True,
    ),
)


def deeds_for(slug: str) -> list[Deed]:
    """What may be done on a page."""
    return [deed for deed in _DEEDS if deed.slug == slug]
