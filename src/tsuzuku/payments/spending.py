# SPDX-License-Identifier: Apache-2.0
"""Money that is kept with us and spent, by partners above all: one debit for many things, never past the limit.

A batch reads what is there, decides, writes, and debits last, so that the account's row is locked only from there to
the commit. When somebody else spent in between and the debit would pass the limit, `FundsMoved` says so: the batch
rolls back and is done again with the account locked from the start.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.money import Money
from tsuzuku.payments.errors import AccountUnknown, CreditLimitInUse, TopUpReused
from tsuzuku.payments.events import AccountToppedUp, CreditLimitChanged
from tsuzuku.payments.ledger import CUSTOMERS, OPERATOR, REVENUE, Entry, post
from tsuzuku.payments.models import Account, Posting, SpendingAccount


class FundsMoved(Exception):
    """The account was spent from since it was read, and does not cover the whole batch any more."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds, and how far below zero it may go. Minor units."""

    balance: Money
    credit_limit: Money

    @property
    def available_minor(self) -> int:
        """What may be spent."""
        return self.balance.amount_minor + self.credit_limit.amount_minor


class Spending(NamedTuple):
    """An amount for a purpose out of an account; `is_earned` when what it pays for has been given already."""

    account: str
    purpose: str
    amount: Money
    is_earned: bool


def open_account(*, code: str, currency: str, credit_limit_minor: int, now: datetime) -> None:
    """Opens an empty spending account. The same code again leaves it as it is."""
    with transaction.atomic():
        account, _ = Account.objects.get_or_create(code=code)
        _, is_new = SpendingAccount.objects.get_or_create(
            account=account, defaults={"currency": currency, "credit_limit_minor": credit_limit_minor}
        )
        if is_new and credit_limit_minor:
            changed = CreditLimitChanged(account=code, credit_limit_minor=credit_limit_minor, currency=currency)
            record_facts([changed], actor="operator", now=now)


def set_credit_limit(*, code: str, credit_limit_minor: int, actor: str, now: datetime) -> None:
    """Changes how far below zero an account may go. Raises AccountUnknown or CreditLimitInUse."""
    with transaction.atomic():
        spending = lock_account(code)
        if spending.balance_minor < -credit_limit_minor:
            raise CreditLimitInUse(balance_minor=spending.balance_minor)
        spending.credit_limit_minor = credit_limit_minor
        spending.save(update_fields=["credit_limit_minor"])
        changed = CreditLimitChanged(account=code, credit_limit_minor=credit_limit_minor, currency=spending.currency)
        record_facts([changed], actor=actor, now=now)


def top_up(*, code: str, amount: Money, reference: str, actor: str, now: datetime) -> None:
    """Books money that the brand has received for an account. The same reference again books nothing.

    Raises AccountUnknown, also for an account of another currency, or TopUpReused when the reference stands for another
    amount.
    """
    with transaction.atomic():
        spending = lock_account(code)
        if spending.currency != amount.currency:
            raise AccountUnknown(account=code, currency=amount.currency)
        subject = f"{code}:{reference}"
        entry = Entry(kind="top-up", subject=subject, purpose=reference, debit=OPERATOR, credit=code, amount=amount)
        if not post([entry], now=now):
            booked = Posting.objects.get(kind="top-up", subject=subject)
            if booked.amount_minor != amount.amount_minor:
                raise TopUpReused(reference=reference)
            return
        spending.balance_minor += amount.amount_minor
        spending.save(update_fields=["balance_minor"])
        topped_up = AccountToppedUp(
            account=code, amount_minor=amount.amount_minor, currency=amount.currency, reference=reference
        )
        record_facts([topped_up], actor=actor, now=now)


def lock_account(code: str) -> SpendingAccount:
    """A spending account, held until the commit. Raises AccountUnknown."""
    spending = SpendingAccount.objects.select_for_update().filter(account__code=code).first()
    if spending is None:
        raise AccountUnknown(account=code)
    return spending


#: What accounts hold.
_BALANCES = """
    SELECT account.code, spending.currency, spending.balance_minor, spending.credit_limit_minor
      FROM payments_account AS account JOIN payments_spendingaccount AS spending ON spending.account_id = account.id
     WHERE account.code = ANY(%(codes)s::text[])
     ORDER BY account.id
"""


def balances_of(codes: Collection[str], *, locked: bool = False) -> dict[str, Balance]:
    """What these accounts hold; one that does not exist is left out. `locked` holds them until the commit."""
    sql = f"{_BALANCES} FOR UPDATE OF spending" if locked else _BALANCES
    return {
        code: Balance(Money(balance, currency), Money(limit, currency))
        for code, currency, balance, limit in statements.rows(sql, {"codes": sorted(codes)})
    }


def balance_of(code: str) -> Balance:
    """What an account holds. Raises AccountUnknown."""
    try:
        return balances_of([code])[code]
    except KeyError:
        raise AccountUnknown(account=code) from None


def spend(spendings: Sequence[Spending], *, now: datetime) -> None:
    """Takes amounts out of accounts, in the caller's transaction and as its last write; each purpose is paid once.

    Raises FundsMoved when an account does not cover its part (any more).
    """
    if not spendings:
        return
    post(
        [
            Entry(
                kind="sale" if each.is_earned else "charge",
                subject=each.purpose,
                purpose=each.purpose,
                debit=each.account,
                credit=REVENUE if each.is_earned else CUSTOMERS,
                amount=each.amount,
            )
            for each in spendings
        ],
        now=now,
    )
    totals: dict[str, int] = {}
    for each in spendings:
        totals[each.account] = totals.get(each.account, 0) - each.amount.amount_minor
    if _move(totals) < len(totals):
        raise FundsMoved


def give_back(*, purposes: Sequence[str], now: datetime) -> None:
    """Puts back what accounts were charged for purposes that will not be given, in the caller's transaction.

    Doing it twice does it once; a purpose that no account was charged for is left alone.
    """
    charges = Posting.objects.filter(kind="charge", subject__in=purposes).select_related("debit").order_by("pk")
    entries = {
        charge.subject: Entry(
            kind="return",
            subject=charge.subject,
            purpose=charge.purpose,
            debit=CUSTOMERS,
            credit=charge.debit.code,
            amount=Money(charge.amount_minor, charge.currency),
        )
        for charge in charges
    }
    totals: dict[str, int] = {}
    for _, subject in post(list(entries.values()), now=now):
        entry = entries[subject]
        totals[entry.credit] = totals.get(entry.credit, 0) + entry.amount.amount_minor
    _move(totals)


#: Accounts in the order in which everybody locks them.
_IN_ORDER = "SELECT code FROM payments_account WHERE code = ANY(%(codes)s::text[]) ORDER BY id"

#: Changes one balance, downwards only as far as the limit allows.
_MOVE = """
    UPDATE payments_spendingaccount AS spending
       SET balance_minor = balance_minor + %(amount)s::bigint
      FROM payments_account AS account
     WHERE account.code = %(code)s AND spending.account_id = account.id
       AND (%(amount)s::bigint > 0 OR balance_minor + %(amount)s::bigint >= -credit_limit_minor)
"""


def _move(totals: Mapping[str, int]) -> int:
    """Adds to balances, in one order of accounts; returns how many of them could be moved."""
    codes = list(totals)
    if len(codes) > 1:
        codes = [code for (code,) in statements.rows(_IN_ORDER, {"codes": codes})]
    return sum(statements.execute(_MOVE, {"code": code, "amount": totals[code]}) for code in codes)
