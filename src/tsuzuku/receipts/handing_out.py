# SPDX-License-Identifier: Apache-2.0
"""Handing out receipts that have their number, by file or mail: the first is the original, the others are copies."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.orders.links import order_link
from tsuzuku.receipts.document import Document, describe
from tsuzuku.receipts.errors import TooManyReceiptMails
from tsuzuku.receipts.models import CopyWay, Receipt, ReceiptCopy
from tsuzuku.receipts.pdf import receipt_pdf
from tsuzuku.receipts.queries import returned_of

MAILS_AN_HOUR_MAX = 5


def print_receipt(receipt: Receipt, *, language: str, key: uuid.UUID, actor: str, now: datetime) -> bytes:
    """An issued receipt as PDF; the same key again is the same one again. Raises ReceiptNotPrintable."""
    # A file that cannot be made was not handed out: what is to be the original stays to be had.
    with transaction.atomic():
        return receipt_pdf(_hand_out(receipt, CopyWay.PDF, language=language, key=key, actor=actor, now=now))


def mail_receipt(receipt: Receipt, *, address: str, language: str, key: uuid.UUID, actor: str, now: datetime) -> None:
    """Sends an issued receipt to an address, once for each key. Raises TooManyReceiptMails."""
    with transaction.atomic():
        document = _hand_out(receipt, CopyWay.MAIL, language=language, key=key, actor=actor, now=now)
        # Whoever else is sent a receipt is not let in to the order.
        is_payers = address == receipt.order.email
        order = order_link(receipt.order) if is_payers else f"{settings.PUBLIC_URL}/o/{receipt.order.number}"
        page = f"{order}/receipt?language={document.language}"
        send_message(
            dedupe_key=f"receipt:{receipt.pk}:{key}",
            kind=AddressKind.EMAIL,
            address=address,
            language=document.language,
            subject=document.mail_subject,
            text=render_to_string("receipts/mail.txt", {"document": document, "page": page}),
            html="",
            purpose=f"order:{receipt.order.number}",
            now=now,
        )


def _hand_out(receipt: Receipt, way: CopyWay, *, language: str, key: uuid.UUID, actor: str, now: datetime) -> Document:
    """Writes down who got the receipt and how, in the caller's transaction; returns what they get."""
    Receipt.objects.select_for_update().get(pk=receipt.pk)
    copies = ReceiptCopy.objects.filter(receipt=receipt)
    copy = copies.filter(key=key).first()
    if copy is None:
        if way == CopyWay.MAIL and _mailed_lately(receipt, now=now) >= MAILS_AN_HOUR_MAX:
            raise TooManyReceiptMails
        copy = ReceiptCopy.objects.create(
            receipt=receipt,
            ordinal=copies.count() + 1,
            key=key,
            way=way,
            language=language,
            actor=actor,
            made_at=now,
        )
    returned = returned_of(receipt.order.number)
    return describe(receipt, language=copy.language, ordinal=copy.ordinal, returned=returned)


def _mailed_lately(receipt: Receipt, *, now: datetime) -> int:
    an_hour_ago = now - timedelta(hours=1)
    return ReceiptCopy.objects.filter(receipt=receipt, way=CopyWay.MAIL, made_at__gt=an_hour_ago).count()
