# SPDX-License-Identifier: Apache-2.0
"""The books: which account pays into which, for every kind of move. Double entry, append-only.

money comes in     provider:<name>  <-  customers      we hold it and owe it
service is given   customers        <-  revenue        the debt is earned
money goes back    customers        <-  provider:<name>
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tsuzuku.kernel.money import Money
from tsuzuku.payments.models import Account, Posting

#: What we owe to people who have paid and have not got it yet.
CUSTOMERS = "customers"
REVENUE = "revenue"


def provider_account(provider: str) -> str:
    """What a payment provider holds for us."""
    return f"provider:{provider}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A posting to be. `kind` and `subject` together are posted once."""

    kind: str
    subject: str
    purpose: str
    debit: str
    credit: str
    amount: Money


def post(entries: Sequence[Entry], *, now: datetime) -> None:
    """Writes postings in the caller's transaction. One that is there already stays as it is."""
    codes = sorted({code for entry in entries for code in (entry.debit, entry.credit)})
    accounts = {account.code: account.pk for account in Account.objects.filter(code__in=codes)}
    if missing := [code for code in codes if code not in accounts]:
        Account.objects.bulk_create((Account(code=code) for code in missing), ignore_conflicts=True)
        accounts = {account.code: account.pk for account in Account.objects.filter(code__in=codes)}
    Posting.objects.bulk_create(
        (
            Posting(
                debit_id=accounts[entry.debit],
                credit_id=accounts[entry.credit],
                amount_minor=entry.amount.amount_minor,
                currency=entry.amount.currency,
                kind=entry.kind,
                subject=entry.subject,
                purpose=entry.purpose,
                posted_at=now,
            )
            for entry in sorted(entries, key=lambda entry: (entry.kind, entry.subject))
        ),
        ignore_conflicts=True,
    )
