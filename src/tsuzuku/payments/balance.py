# SPDX-License-Identifier: Apache-2.0
"""Customers' balances: parts with an end, spent in the order in which they end, and given back to where they came from.

Whoever changes a balance holds the row of its account first, so that two phones never spend the same yen.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments import states
from tsuzuku.payments.errors import AccountUnknown, FundsInsufficient
from tsuzuku.payments.events import BalanceCharged, BalanceEnded, BalanceReturned
from tsuzuku.payments.ledger import CUSTOMERS, ENDED, Entry, post
from tsuzuku.payments.models import (
    BalanceCharge,
    BalanceDraw,
    BalancePart,
    CaptureOutcome,
    Dispute,
    Posting,
    SpendingAccount,
)
from tsuzuku.payments.spending import balances_of, lock_account, open_account

#: Balances are in yen, as the law on them is.
CURRENCY = "JPY"
_END_AT_ONCE = 100


def customer_account(user_id: int) -> str:
    """The account of a customer's balance."""
    return f"customer:{user_id}"


def add_part(*, account: str, amount: Money, reference: str, expires_at: datetime | None, now: datetime) -> BalancePart:
    """Books what an order paid into a balance, in the caller's transaction; the same reference again books nothing.

    Raises AccountUnknown for an amount that is not in yen.
    """
    if amount.currency != CURRENCY:
        raise AccountUnknown(account=account, currency=amount.currency)
    open_account(code=account, currency=CURRENCY, credit_limit_minor=0, now=now)
    spending = lock_account(account)
    subject = f"{account}:{reference}"
    entry = Entry(kind="top-up", subject=subject, purpose=reference, debit=CUSTOMERS, credit=account, amount=amount)
    if not post([entry], now=now):
        return BalancePart.objects.get(account=spending, reference=reference)
    _add(spending, amount.amount_minor)
    return BalancePart.objects.create(
        account=spending,
        reference=reference,
        amount_minor=amount.amount_minor,
        left_minor=amount.amount_minor,
        topped_up_at=now,
        expires_at=expires_at,
    )


def open_balances(accounts: Collection[str], *, now: datetime) -> None:
    """Opens those of customers' accounts that are not there yet, and holds all until the commit, in one order."""
    for code in sorted(accounts):
        open_account(code=code, currency=CURRENCY, credit_limit_minor=0, now=now)
    balances_of(accounts, locked=True)


def hold_paying_accounts(purposes: Collection[str]) -> None:
    """Holds the accounts that purposes were paid out of until the commit, before several get their money back.

    One after another they would be locked in the order of the purposes, and two batches would wait for each other.
    """
    charged = Posting.objects.filter(kind="charge", subject__in=purposes).values_list("debit", flat=True)
    held = BalanceCharge.objects.filter(purpose__in=purposes, state__in=states.HELD_CHARGE_STATES)
    ids = {*charged, *held.values_list("account_id", flat=True)}
    if ids:
        list(SpendingAccount.objects.filter(pk__in=ids).order_by("pk").select_for_update())


def spendable_parts(account: str, *, now: datetime) -> QuerySet[BalancePart]:
    """What can be spent of a balance, what ends first in front.

    What a payer's bank disputes is not: nobody tops up, spends it and has the bank give it back as well.
    """
    return _in_time(account, now=now).exclude(_is_disputed())


def spendable_among(part_ids: Collection[int], *, now: datetime) -> set[int]:
    """Which of these parts, of whatever balances, still hold something that can be spent."""
    parts = BalancePart.objects.filter(_has_not_ended(now), pk__in=part_ids, left_minor__gt=0)
    return set(parts.exclude(_is_disputed()).values_list("pk", flat=True))


def disputed_parts(account: str, *, now: datetime) -> list[tuple[BalancePart, bool]]:
    """What would be spendable if no bank had asked for it back, and whether the bank has it back for good."""
    disputed = _in_time(account, now=now).filter(_is_disputed())
    lost = set(disputed.filter(Exists(_disputes_of_part().filter(state=states.LOST))).values_list("pk", flat=True))
    return [(part, part.pk in lost) for part in disputed]


def _in_time(account: str, *, now: datetime) -> QuerySet[BalancePart]:
    """What is left of parts that have not ended, what ends first in front."""
    parts = BalancePart.objects.filter(account__account__code=account, left_minor__gt=0)
    in_time = parts.filter(_has_not_ended(now)).select_related("account")
    return in_time.order_by(F("expires_at").asc(nulls_last=True), "pk")


def _has_not_ended(now: datetime) -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=now)


def _is_disputed() -> Exists:
    return Exists(_disputes_of_part().exclude(state=states.WON))


def _disputes_of_part() -> QuerySet[Dispute]:
    """The disputes about the money that a part was topped up with, for a query of parts."""
    return Dispute.objects.filter(
        capture__payment__purpose=OuterRef("reference"), capture__outcome=CaptureOutcome.ACCEPTED
    )


def spendable(account: str, *, now: datetime) -> Money:
    """How much can be spent of a balance."""
    return Money(sum(part.left_minor for part in spendable_parts(account, now=now)), CURRENCY)


def charge_balance(*, account: str, purpose: str, amount: Money, now: datetime) -> BalanceCharge:
    """Sets an amount of a balance aside for a purpose, in the caller's transaction, from what ends first.

    Raises FundsInsufficient; then nothing is taken.
    """
    try:
        spending = lock_account(account)
    except AccountUnknown:
        raise FundsInsufficient from None
    parts = list(spendable_parts(account, now=now))
    if amount.currency != CURRENCY or sum(part.left_minor for part in parts) < amount.amount_minor:
        raise FundsInsufficient
    charge = BalanceCharge.objects.create(
        account=spending, purpose=purpose, amount_minor=amount.amount_minor, charged_at=now
    )
    missing = amount.amount_minor
    for part in parts:
        drawn = min(part.left_minor, missing)
        if not drawn:
            break
        BalanceDraw.objects.create(charge=charge, part=part, amount_minor=drawn)
        part.left_minor -= drawn
        part.save(update_fields=["left_minor"])
        missing -= drawn
    entry = Entry(
        kind="charge", subject=_subject(charge), purpose=purpose, debit=account, credit=CUSTOMERS, amount=amount
    )
    post([entry], now=now)
    _add(spending, -amount.amount_minor)
    charged = BalanceCharged(charge_id=charge.pk, purpose=purpose, amount_minor=amount.amount_minor)
    record_facts([charged], actor=account, now=now)
    return charge


def charge_set_aside(purpose: str) -> BalanceCharge | None:
    """What is set aside for a purpose, or None."""
    charges = BalanceCharge.objects.filter(purpose=purpose, state=states.SET_ASIDE)
    return charges.select_related("account__account").first()


def charges_set_aside(purposes: Collection[str]) -> set[str]:
    """For which of these purposes something is set aside."""
    charges = BalanceCharge.objects.filter(purpose__in=purposes, state=states.SET_ASIDE)
    return set(charges.values_list("purpose", flat=True))


def charge_given_back(purpose: str) -> BalanceCharge | None:
    """What a balance had paid for a purpose and has again, or None."""
    charges = BalanceCharge.objects.filter(purpose=purpose, state=states.GIVEN_BACK)
    return charges.select_related("account__account").first()


def spend_charge(purpose: str) -> None:
    """What was set aside for a purpose has paid it, in the caller's transaction; nothing set aside is fine."""
    BalanceCharge.objects.filter(purpose=purpose, state=states.SET_ASIDE).update(state=states.SPENT)


def return_charges(*, purposes: Sequence[str], now: datetime) -> None:
    """Puts back what was set aside or spent for purposes, in the caller's transaction: into the parts it came from.

    A part's end stays what it was. Doing it twice does it once; a purpose without a charge is left alone.
    """
    held = BalanceCharge.objects.filter(purpose__in=purposes, state__in=states.HELD_CHARGE_STATES)
    ids = held.values_list("account_id", flat=True)
    accounts = SpendingAccount.objects.filter(pk__in=list(ids)).select_related("account").order_by("pk")
    locked = {account.pk: account for account in accounts.select_for_update(of=("self",))}
    if not locked:
        return
    for charge in held.order_by("pk").select_for_update():
        _return(charge, locked[charge.account_id], now=now)


def _return(charge: BalanceCharge, spending: SpendingAccount, *, now: datetime) -> None:
    """Puts back one charge, under the lock of its account."""
    charge.state = states.GIVEN_BACK if charge.state == states.SPENT else states.RETURNED
    charge.returned_at = now
    charge.save(update_fields=["state", "returned_at"])
    for draw in charge.draws.order_by("pk"):
        BalancePart.objects.filter(pk=draw.part_id).update(left_minor=F("left_minor") + draw.amount_minor)
    entry = Entry(
        kind="return",
        subject=_subject(charge),
        purpose=charge.purpose,
        debit=CUSTOMERS,
        credit=spending.account.code,
        amount=Money(charge.amount_minor, spending.currency),
    )
    post([entry], now=now)
    _add(spending, charge.amount_minor)
    returned = BalanceReturned(charge_id=charge.pk, purpose=charge.purpose, amount_minor=charge.amount_minor)
    record_facts([returned], actor="system", now=now)


def end_parts() -> int:
    """Books what was not spent in time; readers knew it already from `expires_at`. Returns how many parts."""
    now = clock.now()
    with transaction.atomic():
        overdue = _overdue(now)
        waiting = SpendingAccount.objects.filter(Exists(overdue.filter(account=OuterRef("pk"))))
        rows = waiting.select_related("account").order_by("pk")
        accounts = {each.pk: each for each in rows.select_for_update(of=("self",), skip_locked=True)[:_END_AT_ONCE]}
        parts = list(overdue.filter(account__in=accounts).order_by("pk"))
        for part in parts:
            _end(part, accounts[part.account_id], now=now)
        return len(parts)


def has_parts_to_end(now: datetime) -> bool:
    """Whether a part's time is over and nobody has booked it."""
    return _overdue(now).exists()


def _overdue(now: datetime) -> QuerySet[BalancePart]:
    return BalancePart.objects.filter(left_minor__gt=0, expires_at__lte=now)


def _end(part: BalancePart, spending: SpendingAccount, *, now: datetime) -> None:
    """Books the rest of a part as ended, under the lock of its account."""
    rest, code = Money(part.left_minor, spending.currency), spending.account.code
    # What comes back after the end of its part ends for itself: the sum so far tells one posting from the next.
    subject = f"balance-part:{part.pk}:{part.ended_minor}"
    post([Entry(kind="end", subject=subject, purpose=part.reference, debit=code, credit=ENDED, amount=rest)], now=now)
    part.left_minor, part.ended_minor, part.ended_at = 0, part.ended_minor + rest.amount_minor, now
    part.save(update_fields=["left_minor", "ended_minor", "ended_at"])
    _add(spending, -rest.amount_minor)
    ended = BalanceEnded(part_id=part.pk, account=code, amount_minor=rest.amount_minor)
    record_facts([ended], actor="system", now=now)


def _subject(charge: BalanceCharge) -> str:
    return f"balance-charge:{charge.pk}"


def _add(spending: SpendingAccount, minor: int) -> None:
    """Changes what an account holds, under its lock, in the transaction of the posting that says so."""
    spending.balance_minor += minor
    spending.save(update_fields=["balance_minor"])
