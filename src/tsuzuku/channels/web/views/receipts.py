# SPDX-License-Identifier: Apache-2.0
"""Receipts: the page of one, the PDF and the mail, and the page on which anybody finds out whether one is genuine."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tsuzuku.balances.models import TopUp
from tsuzuku.channels.web.access import OrderAccess, order_or_404
from tsuzuku.channels.web.forms import ReceiptForm
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.kernel import clock
from tsuzuku.orders.models import Order
from tsuzuku.people.limits import WINDOW_SECONDS, is_within_limit
from tsuzuku.receipts.actions import hasten_receipt
from tsuzuku.receipts.document import ORIGINAL, describe
from tsuzuku.receipts.errors import ReceiptNotGenuine, ReceiptNotPrintable, TooManyReceiptMails
from tsuzuku.receipts.handing_out import mail_receipt, print_receipt
from tsuzuku.receipts.models import Receipt
from tsuzuku.receipts.pdf import qr_svg
from tsuzuku.receipts.queries import find_genuine, is_receipt_due, public_keys, receipt_of, returned_of
from tsuzuku.receipts.signing import jwks
from tsuzuku.receipts.texts import TEXTS, receipt_language

VERIFICATIONS_A_MINUTE_MAX = 60


@never_cache
@require_safe
def receipt_page(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt of an order in one of five languages, or why there is none (yet)."""
    now = clock.now()
    access = order_or_404(request, number, now=now)
    if isinstance(access.paid_for, TopUp):
        return render(request, "web/no_receipt.html", {"order": access.order, "is_top_up": True})
    receipt = receipt_of(access.order)
    if receipt is None:
        is_due = is_receipt_due(access.order, access.renewal)
        if is_due:
            hasten_receipt(access.order, now=now)
        context = {"order": access.order, "renewal": access.renewal, "is_due": is_due}
        return render(request, "web/no_receipt.html", context)
    return render(request, "web/receipt.html", _context(request, access, receipt))


def _context(request: HttpRequest, access: OrderAccess, receipt: Receipt) -> dict[str, Any]:
    language = receipt_language(request.GET.get("language", access.order.language))
    document = describe(receipt, language=language, ordinal=ORIGINAL, returned=returned_of(access.order.number))
    return {
        "order": access.order,
        "document": document,
        "qr": qr_svg(document),
        "languages": [(tag, texts.language) for tag, texts in TEXTS.items()],
        "can_be_mailed": bool(_address(access)),
        "pdf_key": uuid.uuid4(),
        "mail_key": uuid.uuid4(),
    }


def _address(access: OrderAccess) -> str:
    """Where a receipt may be sent: to who is logged in, else to the address that the order has; nowhere else."""
    return access.user.mail_address if access.user else access.order.email


@require_POST
def receipt_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt as a file. The first one is the original, the others are marked as copies."""
    now = clock.now()
    access, receipt, form = _asked(request, number, now=now)
    if receipt is None or not form.is_valid():
        return redirect("receipt", number=access.order.number)
    language, key = form.cleaned_data["language"], form.cleaned_data["key"]
    try:
        file = print_receipt(receipt, language=language, key=key, actor=access.actor, now=now)
    except ReceiptNotPrintable as refusal:
        messages.error(request, refusal_text(refusal))
        return _back(access.order, language)
    name = f"receipt-{receipt.number}.pdf"
    return HttpResponse(
        file, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_POST
def receipt_mail(request: HttpRequest, number: str) -> HttpResponse:
    """Sends the receipt to its payer, once for each press."""
    now = clock.now()
    access, receipt, form = _asked(request, number, now=now)
    address = _address(access)
    if receipt is None or not address or not form.is_valid():
        return redirect("receipt", number=access.order.number)
    language, key = form.cleaned_data["language"], form.cleaned_data["key"]
    try:
        mail_receipt(receipt, address=address, language=language, key=key, actor=access.actor, now=now)
    except TooManyReceiptMails as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        messages.success(request, _("The receipt is on its way to your mailbox."))
    return _back(access.order, language)


def _asked(request: HttpRequest, number: str, *, now: datetime) -> tuple[OrderAccess, Receipt | None, ReceiptForm]:
    access = order_or_404(request, number, now=now)
    return access, receipt_of(access.order), ReceiptForm(request.POST)


def _back(order: Order, language: str) -> HttpResponse:
    return redirect(f"{reverse('receipt', args=[order.number])}?language={language}")


@never_cache
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Whether a receipt is genuine, for everybody who has its QR. Nothing is said about who bought."""
    text = request.GET.get("r", "")
    context: dict[str, Any] = {"text": text, "keys": public_keys()}
    if not text:
        return render(request, "web/verify_receipt.html", context)
    if not is_within_limit(request, "verify", a_minute_max=VERIFICATIONS_A_MINUTE_MAX):
        response = render(request, "web/verify_receipt.html", {**context, "is_too_often": True})
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(WINDOW_SECONDS)
        return response
    try:
        signed, receipt = find_genuine(text)
    except ReceiptNotGenuine:
        return render(request, "web/verify_receipt.html", {**context, "verdict": "not-genuine"})
    found = {"verdict": "genuine", "signed": signed, "returned": returned_of(receipt.order.number)}
    return render(request, "web/verify_receipt.html", {**context, **found})


@require_safe
def verify_keys(request: HttpRequest) -> HttpResponse:
    """The public keys of all receipts as a JWK set; with them a receipt can be checked without us."""
    return JsonResponse(jwks(public_keys()))
