# SPDX-License-Identifier: Apache-2.0
"""Money that we owed to a payer and their bank has given back by a lost dispute: we owe it no more.

On an appeal the bank gives it to us again; then we owe it again, and whoever was to have it gets it from us.
"""

from datetime import datetime

from django.db.models import QuerySet

from tsuzuku.kernel.money import Money
from tsuzuku.payments import states
from tsuzuku.payments.ledger import CUSTOMERS, LOSSES, Entry, post
from tsuzuku.payments.models import Capture, Dispute, Posting, Refund
from tsuzuku.payments.remains import failed_minor, lost_minor, refundable_minor

_GIVEN, _OWED_AGAIN = "dispute-owed", "dispute-owed-again"


def book_given_by_bank(capture: Capture, *, now: datetime) -> None:
    """Books what a bank has given back of a capture that is its payer's as a whole, in the caller's transaction.

    Not what went back by us as well, which is a loss. Doing it twice does it once.
    """
    lost = lost_minor(capture)
    if not lost:
        return
    booked = sum(posting.amount_minor for posting in _booked(capture))
    owed = refundable_minor(capture) + lost - failed_minor(capture) - booked
    missing = min(lost - booked, owed)
    for dispute in capture.disputes.filter(state=states.LOST).order_by("pk"):
        minor = min(dispute.amount_minor, missing)
        if minor > 0 and post([_entry(capture, _GIVEN, _subject(dispute), minor)], now=now):
            missing -= minor


def book_refund_given_by_bank(refund: Refund, *, now: datetime) -> None:
    """Books that a bank has given what a refund was to give, in the caller's transaction."""
    post([_entry(refund.capture, _GIVEN, f"refund:{refund.pk}", refund.amount_minor)], now=now)


def owe_again(dispute: Dispute, capture: Capture, *, now: datetime) -> int:
    """Books that what a dispute had given back is the payer's again, now that it is won; returns how much, once."""
    given = Posting.objects.filter(kind=_GIVEN, subject=_subject(dispute)).first()
    if given is None:
        return 0
    again = post([_entry(capture, _OWED_AGAIN, given.subject, given.amount_minor)], now=now)
    return given.amount_minor if again else 0


def owe_refund_again(refund: Refund, *, now: datetime) -> None:
    """The same for what a refund was to give."""
    post([_entry(refund.capture, _OWED_AGAIN, f"refund:{refund.pk}", refund.amount_minor)], now=now)


def _booked(capture: Capture) -> QuerySet[Posting]:
    """What is booked as given by the bank of a capture, and stands."""
    subjects = [_subject(dispute) for dispute in capture.disputes.filter(state=states.LOST)]
    subjects += [f"refund:{pk}" for pk in capture.refunds.filter(state=states.VOID).values_list("pk", flat=True)]
    return Posting.objects.filter(kind=_GIVEN, subject__in=subjects)


def _subject(dispute: Dispute) -> str:
    return f"dispute:{dispute.pk}"


def _entry(capture: Capture, kind: str, subject: str, minor: int) -> Entry:
    debit, credit = (CUSTOMERS, LOSSES) if kind == _GIVEN else (LOSSES, CUSTOMERS)
    amount = Money(minor, capture.currency)
    return Entry(kind=kind, subject=subject, purpose=capture.payment.purpose, debit=debit, credit=credit, amount=amount)
