# SPDX-License-Identifier: Apache-2.0
"""What a payer's bank asks for in a dispute: what was ordered, told, paid, given and used. One ZIP file.

case.json        all of it in one text, times in UTC (ISO 8601), amounts in minor units
receipt.pdf      the receipt in the payer's language, if it has its number and the machine can print it
provider/*.txt   each webhook of the payment as it came
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.core.serializers.json import DjangoJSONEncoder
from django.forms.models import model_to_dict
from django.utils import translation

from tsuzuku.look import formats
from tsuzuku.messaging.models import Message
from tsuzuku.orders.models import Order
from tsuzuku.orders.policy import policy_sentences
from tsuzuku.payments.models import Capture, Dispute, Payment, ProviderNotice
from tsuzuku.payments.queries import captures_of, disputes_of, refunds_of
from tsuzuku.receipts.document import ORIGINAL, describe
from tsuzuku.receipts.errors import ReceiptNotPrintable
from tsuzuku.receipts.models import Receipt
from tsuzuku.receipts.pdf import receipt_pdf
from tsuzuku.receipts.queries import receipt_of, returned_of
from tsuzuku.receipts.texts import receipt_language
from tsuzuku.renewals.models import Renewal
from tsuzuku.usage.queries import usage_by_day

#: Whoever decides about a dispute reads this, beside the payer's own language.
_READERS_LANGUAGE = "en"


def gather(dispute: Dispute, *, now: datetime) -> bytes:
    """The file. What does not exist, such as the renewal of an order that pays for something else, is null in it."""
    number = dispute.capture.payment.purpose
    order = Order.objects.filter(number=number).first()
    renewal = Renewal.objects.filter(order=order).select_related("card", "plan", "terms").first() if order else None
    receipt = receipt_of(order) if order else None
    notices = ProviderNotice.objects.filter(payment__purpose=number).order_by("pk")
    case = {
        "gathered_at": now,
        "dispute": _fields(dispute) | {"currency": dispute.capture.currency},
        "order": _order(order) if order else None,
        "payments": [_payment(payment) for payment in Payment.objects.filter(purpose=number).order_by("pk")],
        "captures": [_capture(capture) for capture in captures_of(number)],
        "refunds": [_fields(refund) for refund in refunds_of(number)],
        "disputes": [_fields(each) for each in disputes_of(number)],
        "renewal": _renewal(renewal, now=now) if renewal else None,
        "receipt": _receipt(receipt) if receipt else None,
        "messages": [_message(each) for each in Message.objects.filter(purpose=f"order:{number}").order_by("pk")],
        "webhooks": [
            {"file": _notice_name(place, notice), "taken_at": notice.taken_at, "event": notice.event_id}
            for place, notice in enumerate(notices, start=1)
        ],
    }
    files = {"case.json": _json(case)}
    if receipt is not None and order is not None and (pdf := _printed(receipt, order)) is not None:
        files["receipt.pdf"] = pdf
    for place, notice in enumerate(notices, start=1):
        files[_notice_name(place, notice)] = notice.raw.encode()
    return _zip(files, now=now)


# -- the parts -------------------------------------------------------------------------------------------------------


def _order(order: Order) -> dict[str, Any]:
    return _fields(order) | {
        "policy_told": {
            language: _policy(order.policy, language) for language in sorted({order.language, _READERS_LANGUAGE})
        },
        "moves": [_fields(move) for move in order.moves.order_by("pk")],
    }


def _policy(version: str, language: str) -> Sequence[str]:
    """What the payer read before paying."""
    with translation.override(language):
        return policy_sentences(version)


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        name: getattr(payment, name)
        for name in (
            "provider",
            "method",
            "key",
            "reference",
            "amount_minor",
            "currency",
            "state",
            "failure",
            "created_at",
        )
    }


def _capture(capture: Capture) -> dict[str, Any]:
    return _fields(capture)


def _renewal(renewal: Renewal, *, now: datetime) -> dict[str, Any]:
    """What was given, when by the carrier's own word, and what was used of it since."""
    since = renewal.credited_at or renewal.created_at
    used = usage_by_day(renewal.card_id, since=formats.local(since).date(), until=formats.local(now).date())
    return {
        "card": {"iccid": renewal.card.iccid, "kind": renewal.card.kind, "msisdn": renewal.card.msisdn},
        "plan": {"code": renewal.plan.code, "name": renewal.plan.name, "terms": renewal.terms.terms},
        "state": renewal.state,
        "ordered_at": renewal.created_at,
        "settled_at": renewal.settled_at,
        "carrier": renewal.card.carrier,
        "carrier_reference": renewal.carrier_reference,
        "credited_at": renewal.credited_at,
        "moves": [_fields(move) for move in renewal.moves.order_by("pk")],
        "used_since": [
            {"day": day.day, "kind": day.kind, "amount": day.amount, "unserved": day.unserved} for day in used
        ],
    }


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "number": receipt.number,
        "issued_at": receipt.issued_at,
        "content": receipt.content,
        "signed": receipt.token,
    }


def _printed(receipt: Receipt, order: Order) -> bytes | None:
    language = receipt_language(order.language)
    document = describe(receipt, language=language, ordinal=ORIGINAL, returned=returned_of(order.number))
    try:
        return receipt_pdf(document)
    except ReceiptNotPrintable:
        # What it says stands in case.json all the same.
        return None


def _message(message: Message) -> dict[str, Any]:
    return {
        name: getattr(message, name)
        for name in ("kind", "address", "language", "subject", "text", "state", "created_at", "ended_at")
    }


def _notice_name(place: int, notice: ProviderNotice) -> str:
    return f"provider/{place:02d}-{notice.kind}.txt"


# -- the file --------------------------------------------------------------------------------------------------------


def _fields(row: Order | Capture | Dispute | Any) -> dict[str, Any]:  # noqa: ANN401  # any row of a table
    """The columns of a row."""
    return model_to_dict(row) | {"id": row.pk}


def _json(case: Mapping[str, Any]) -> bytes:
    return json.dumps(case, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()


def _zip(files: Mapping[str, bytes], *, now: datetime) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name, date_time=now.timetuple()[:6]), content, ZIP_DEFLATED)
    return made.getvalue()
