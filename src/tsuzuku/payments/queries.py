# SPDX-License-Identifier: Apache-2.0
"""Reads of payments that have more than one caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet, Sum

from tsuzuku.journal import statements
from tsuzuku.journal.claims import due
from tsuzuku.payments import states
from tsuzuku.payments.errors import DisputeUnknown
from tsuzuku.payments.models import Capture, Dispute, Payment, Posting, Refund, RefundProposal
from tsuzuku.payments.outages import hidden_providers
from tsuzuku.payments.registry import providers


def latest_payment(purpose: str) -> Payment | None:
    """The newest try to pay for something, or None."""
    return Payment.objects.filter(purpose=purpose).order_by("-pk").first()


def refunds_of(purpose: str) -> Sequence[Refund]:
    """What went back or is on its way back, oldest first."""
    return list(Refund.objects.filter(capture__payment__purpose=purpose).select_related("capture").order_by("pk"))


def let_off_minor(purpose: str) -> int:
    """What a payer was let off of a price, in minor units."""
    let_off = Posting.objects.filter(kind="let-off", subject=purpose)
    return let_off.aggregate(total=Sum("amount_minor"))["total"] or 0


def captures_of(purpose: str) -> Sequence[Capture]:
    """What was taken for something, oldest first."""
    return list(Capture.objects.filter(payment__purpose=purpose).select_related("payment").order_by("pk"))


def proposals_waiting() -> QuerySet[RefundProposal]:
    """What people proposed to give back and nobody has decided, oldest first."""
    waiting = RefundProposal.objects.filter(state=states.WAITING)
    return waiting.select_related("capture__payment").order_by("proposed_at", "pk")


def refunds_failed() -> QuerySet[Refund]:
    """Refunds that a provider would not make, and that wait for a person, oldest first."""
    return Refund.objects.filter(state=states.FAILED).select_related("capture__payment").order_by("pk")


def disputes_of(purpose: str) -> Sequence[Dispute]:
    """Which disputes there were about something, oldest first."""
    return list(Dispute.objects.filter(capture__payment__purpose=purpose).select_related("capture").order_by("pk"))


def disputes_listed(*, with_ended: bool) -> QuerySet[Dispute]:
    """The disputes there are, or those that have not ended, oldest first."""
    disputes = Dispute.objects.all() if with_ended else Dispute.objects.filter(state=states.OPENED)
    return disputes.select_related("capture__payment").order_by("opened_at", "pk")


def dispute_by_reference(reference: str) -> Dispute:
    """The dispute that a provider calls so. Raises DisputeUnknown."""
    found = Dispute.objects.filter(reference=reference).select_related("capture__payment").order_by("pk").first()
    if found is None:
        raise DisputeUnknown
    return found


def payments_of(purpose: str) -> Sequence[Payment]:
    """The tries to pay for something, newest first."""
    return list(Payment.objects.filter(purpose=purpose).order_by("-pk"))


class OfferedMethods(NamedTuple):
    """What can be used, each method with its provider, and the methods of which no provider can be reached."""

    providers: dict[str, str]
    unreachable: tuple[str, ...]


def offered_methods(currency: str, *, now: datetime) -> OfferedMethods:
    """The methods of a currency at `now`, in the order in which the installation names their providers.

    Of several providers that offer a method, the first is asked that can be reached. If none of all can, all are
    offered: nobody is sent away unheard.
    """
    hidden = hidden_providers(now)
    reachable: dict[str, str] = {}
    hidden_methods: dict[str, str] = {}
    for name, provider in providers().items():
        if currency in provider.capabilities.currencies:
            for method in provider.capabilities.methods:
                (hidden_methods if name in hidden else reachable).setdefault(method, name)
    if not reachable:
        return OfferedMethods(hidden_methods, ())
    return OfferedMethods(reachable, tuple(method for method in hidden_methods if method not in reachable))


def returns_only_payers(provider: str, method: str) -> bool:
    """Whether who comes back from a provider by the way of payers has paid, as far as it can tell."""
    capabilities = providers()[provider].capabilities
    return capabilities.returns_only_payers and method not in capabilities.returns_everybody


def balance_minor(account_code: str) -> int:
    """What lies in an account: what came in less what went out, in minor units."""
    sums = Posting.objects.aggregate(
        debits=Sum("amount_minor", filter=Q(debit__code=account_code)),
        credits=Sum("amount_minor", filter=Q(credit__code=account_code)),
    )
    return (sums["debits"] or 0) - (sums["credits"] or 0)


#: What lies in each account, in one pass over the ledger.
_BALANCES = """
    SELECT account.code, coalesce(sum(side.amount_minor), 0)::bigint
      FROM payments_account AS account
      LEFT JOIN (SELECT debit_id AS account_id, amount_minor FROM payments_posting
                 UNION ALL
                 SELECT credit_id, -amount_minor FROM payments_posting) AS side ON side.account_id = account.id
     GROUP BY account.code
     ORDER BY account.code
"""


def balances() -> dict[str, int]:
    """The balance of every account."""
    return dict(statements.rows(_BALANCES, {}))


def has_refunds_to_send(now: datetime) -> bool:
    """Whether a refund waits to be sent."""
    return due(Refund.objects.filter(state=states.REQUESTED), now=now).exists()


def has_refunds_to_ask_about(now: datetime) -> bool:
    """Whether a refund that was sent has been without a word for too long."""
    return due(Refund.objects.filter(state=states.SENT), now=now).exists()


def has_payments_to_ask_about(now: datetime) -> bool:
    """Whether a payment has been without a word for too long."""
    return due(payments_to_ask_about(), now=now).exists()


def payments_to_ask_about() -> QuerySet[Payment]:
    """Payments whose provider may know more than we do, charges of kept methods without an answer among them."""
    is_unanswered_charge = Q(state=states.CREATED, kept__isnull=False)
    return Payment.objects.filter(Q(state__in=states.ASKED_PAYMENT_STATES) | is_unanswered_charge)
