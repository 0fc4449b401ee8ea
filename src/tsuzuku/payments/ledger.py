# SPDX-License-Identifier: Apache-2.0
"""The books: which account pays into which, for every kind of move. Double entry, append-only.

money comes in     provider:<name>  <-  customers      we hold it and owe it
service is given   customers        <-  revenue        the debt is earned
money goes back    customers        <-  provider:<name>
  by another way   customers        <-  operator
as goodwill first  revenue          <-  customers      what was earned is owed again
too little is let  goodwill         <-  customers      the rest of a price that a person lets somebody off

A payer's bank takes money back by a dispute:

it opens           disputes         <-  provider:<name>
it is won          provider:<name>  <-  disputes
it is lost         losses           <-  disputes
what we owed       customers        <-  losses         as far as the payer was to get it back anyway
it is appealed     disputes         <-  losses         and won: what we owed is owed again, losses <- customers

Whoever keeps money with us has an account of their own, such as partner:7:

it is topped up            operator     <-  partner:7
it pays for what is given  partner:7    <-  revenue        at once, or
it pays for what will be   partner:7    <-  customers      earned when it is given, or
what was not given         customers    <-  partner:7

A customer's balance is such an account, customer:12. It is topped up by an order, and its parts may have an end:

its order is paid          customers    <-  customer:12
it pays a part or all      customer:12  <-  customers
what was not given         customers    <-  customer:12
a part was not spent       customer:12  <-  ended
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from tsuzuku.journal import statements
from tsuzuku.kernel.money import Money
from tsuzuku.payments.models import Account

#: What we owe to people who have paid and have not got it yet.
CUSTOMERS = "customers"
REVENUE = "revenue"
#: What the brand has received outside Tsuzuku, by bank transfer or on paper.
OPERATOR = "operator"
#: What customers did not spend of their balances in time.
ENDED = "ended"
#: What the brand lets payers off.
GOODWILL = "goodwill"
#: What payers' banks hold until a dispute has ended.
DISPUTES = "disputes"
#: What disputes have cost the brand.
LOSSES = "losses"


def provider_account(provider: str) -> str:
    """What a payment provider holds for us."""
    return f"provider:{provider}"


class Entry(NamedTuple):
    """A posting to be. `kind` and `subject` together are posted once."""

    kind: str
    subject: str
    purpose: str
    debit: str
    credit: str
    amount: Money


#: Postings from one array for each column. Sorted, so that two writers of the same ones do not wait for each other.
_INSERT_POSTINGS = """
    INSERT INTO payments_posting (kind, subject, purpose, debit_id, credit_id, amount_minor, currency, posted_at)
    SELECT new.*, %(now)s::timestamptz
      FROM unnest(%(kinds)s::text[], %(subjects)s::text[], %(purposes)s::text[], %(debits)s::bigint[],
                  %(credits)s::bigint[], %(amounts)s::bigint[], %(currencies)s::text[]) AS new
        ON CONFLICT (kind, subject) DO NOTHING
    RETURNING kind, subject
"""


def post(entries: Sequence[Entry], *, now: datetime) -> set[tuple[str, str]]:
    """Writes postings in the caller's transaction. One that is there already stays as it is.

    Returns kind and subject of those that are new.
    """
    if not entries:
        return set()
    accounts = _account_ids({code for entry in entries for code in (entry.debit, entry.credit)})
    entries = sorted(entries, key=lambda entry: (entry.kind, entry.subject))
    written = statements.rows(
        _INSERT_POSTINGS,
        {
            "kinds": [entry.kind for entry in entries],
            "subjects": [entry.subject for entry in entries],
            "purposes": [entry.purpose for entry in entries],
            "debits": [accounts[entry.debit] for entry in entries],
            "credits": [accounts[entry.credit] for entry in entries],
            "amounts": [entry.amount.amount_minor for entry in entries],
            "currencies": [entry.amount.currency for entry in entries],
            "now": now,
        },
    )
    return {(kind, subject) for kind, subject in written}


#: Accounts by their codes.
_ACCOUNTS = "SELECT code, id FROM payments_account WHERE code = ANY(%(codes)s::text[])"


def _account_ids(codes: Collection[str]) -> dict[str, int]:
    """The ids of accounts; one that nobody has posted to yet comes into being."""
    found: dict[str, int] = dict(statements.rows(_ACCOUNTS, {"codes": list(codes)}))
    if missing := sorted(set(codes) - found.keys()):
        Account.objects.bulk_create((Account(code=code) for code in missing), ignore_conflicts=True)
        found = dict(statements.rows(_ACCOUNTS, {"codes": list(codes)}))
    return found
