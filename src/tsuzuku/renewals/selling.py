# SPDX-License-Identifier: Apache-2.0
"""Renewals paid out of an account: ordered, paid and settled in one transaction, as many as are asked for together.

Reads come first, then decisions in memory, one after another in the order asked, then a statement for each table. The
account is debited once for all of them, last, so that the next batch waits for it no longer than the commit takes.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import DeadlockDetected

from tsuzuku.allowances.actions import Granted, Grantee, Trial
from tsuzuku.cards.errors import CardUnknown
from tsuzuku.cards.queries import ListedCard, cards_by_iccids
from tsuzuku.cards.rules import check_can_renew
from tsuzuku.carriers.registry import carrier, carrier_names
from tsuzuku.catalog.errors import PlanNotForCard, PlanUnknown
from tsuzuku.catalog.queries import PlanListed, is_for_group, plans_by_codes
from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.money import Money
from tsuzuku.orders.actions import PaidSale, place_paid_orders
from tsuzuku.orders.numbers import new_number
from tsuzuku.payments.errors import FundsInsufficient
from tsuzuku.payments.spending import FundsMoved, Spending, balances_of, spend
from tsuzuku.renewals import selling_sql, states
from tsuzuku.renewals.actions import ACTIVATE
from tsuzuku.renewals.errors import KeyReused
from tsuzuku.renewals.events import RenewalActivated

#: A collision of order numbers or of locks is rare; it does not come this often in a row.
_TRIES: Final = 4
#: Letters on what a partner's order sends out are the partner's own affair.
_LANGUAGE: Final = "en"


class Purchase(NamedTuple):
    """A plan for a card, paid out of an account. The same key of the same actor and card buys once."""

    iccid: Iccid
    plan_code: str
    key: str
    actor: str
    account: str
    #: The groups whose cards may be bought for; None is every card.
    card_groups: frozenset[str] | None


class Sold(NamedTuple):
    """The answer to a purchase, the same however often it is asked for."""

    number: str
    #: active, or activating with a carrier that does not confirm at once: the rest is then what is expected.
    state: str
    iccid: Iccid
    plan_code: str
    price: Money
    #: What the card has of data; None is no limit.
    remaining_bytes: int | None
    online_until: datetime | None
    #: Whether this was answered before.
    is_replay: bool


def sell_renewals(purchases: Sequence[Purchase], *, channel: str, now: datetime) -> list[Sold | DomainError]:
    """Sells renewals in the order given, each as far as its account allows; committed when it returns.

    The answers stand in the order of the purchases. A refusal changes nothing and keeps back nobody else: CardUnknown,
    KeyReused, PlanUnknown, PlanNotForCard, CardSuspended, CardLost, CardPastLastDate, StackFull, CardExpired,
    NothingToJoin, FundsInsufficient. After it the same key may be tried again. Raises OperationalError when the
    database is gone; whether it had committed is then answered to the same keys.
    """
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                statements.by_index()
                return _Batch(purchases, channel=channel, now=now, is_account_locked=left < _TRIES - 1).sell()
        except (FundsMoved, IntegrityError) as problem:
            if not left:
                raise RuntimeError("a batch could not be sold in several tries") from problem
        except OperationalError as problem:
            if not left or not isinstance(problem.__cause__, DeadlockDetected):
                raise
    raise AssertionError("unreachable")


def are_funds_ample(purchases: Sequence[Purchase], *, channel: str, now: datetime) -> bool:
    """Whether each account holds twice what is asked of it, so that all can be paid in whatever order they come.

    Only if others spend the second half in the same moment could a later purchase be paid and an earlier one refused.
    """
    plans = plans_by_codes({each.plan_code for each in purchases}, channel=channel, now=now)
    totals: dict[str, int] = {}
    for each in purchases:
        plan = plans.get(each.plan_code)
        totals[each.account] = totals.get(each.account, 0) + (plan.price.amount_minor if plan else 0)
    balances = balances_of(totals)
    return all(code in balances and balances[code].available_minor >= 2 * total for code, total in totals.items())


class _Sale(NamedTuple):
    """A decided purchase, to be written."""

    purchase: Purchase
    card: ListedCard
    plan: PlanListed
    granted: Granted
    is_at_once: bool
    answer: Sold


#: Under which an answer is kept: the card, who asked, and the key.
_Key = tuple[int, str, str]


class _Batch:
    """What is known and decided in one transaction."""

    def __init__(self, purchases: Sequence[Purchase], *, channel: str, now: datetime, is_account_locked: bool) -> None:
        self._purchases = purchases
        self._channel = channel
        self._now = now
        self._cards = cards_by_iccids({each.iccid for each in purchases}, locked=True)
        self._answers = self._answered()
        self._plans = plans_by_codes({each.plan_code for each in purchases}, channel=channel, now=now)
        self._trial = Trial({card.id for card in self._cards.values()})
        self._confirms = {name: _confirms_at_once(name) for name in {card.carrier for card in self._cards.values()}}
        accounts = {each.account for each in purchases}
        self._funds = {
            code: (balance.balance.currency, balance.available_minor)
            for code, balance in balances_of(accounts, locked=is_account_locked).items()
        }
        self._sales: list[_Sale] = []

    def sell(self) -> list[Sold | DomainError]:
        answers: list[Sold | DomainError] = []
        for purchase in self._purchases:
            try:
                answers.append(self._decide(purchase))
            except DomainError as refusal:
                answers.append(refusal)
        if self._sales:
            self._write()
        return answers

    def _answered(self) -> dict[_Key, Sold]:
        """What was answered to these keys before this batch."""
        asked = [
            (self._cards[each.iccid].id, each.actor, each.key) for each in self._purchases if each.iccid in self._cards
        ]
        iccids = {card.id: card.iccid for card in self._cards.values()}
        found = statements.rows(
            selling_sql.ANSWERED,
            {
                "cards": [card_id for card_id, _, _ in asked],
                "actors": [actor for _, actor, _ in asked],
                "keys": [key for _, _, key in asked],
            },
        )
        return {
            (card_id, actor, key): Sold(
                number=number,
                state=state,
                iccid=iccids[card_id],
                plan_code=plan_code,
                price=Money(amount, currency),
                remaining_bytes=remaining,
                online_until=until,
                is_replay=True,
            )
            for card_id, actor, key, plan_code, number, amount, currency, state, remaining, until in found
        }

    def _decide(self, purchase: Purchase) -> Sold:
        card = self._cards.get(purchase.iccid)
        if card is None or not (purchase.card_groups is None or card.group in purchase.card_groups):
            raise CardUnknown
        key: _Key = (card.id, purchase.actor, purchase.key)
        if (known := self._answers.get(key)) is not None:
            if known.plan_code != purchase.plan_code:
                raise KeyReused
            return known._replace(is_replay=True)
        plan = self._plans.get(purchase.plan_code)
        if plan is None:
            raise PlanUnknown(plan=purchase.plan_code)
        if not is_for_group(plan, card.group):
            raise PlanNotForCard(plan=purchase.plan_code)
        check_can_renew(card, self._now)
        granted = self._trial.renew(Grantee(card_id=card.id, terms_id=plan.terms_id, at=self._now, is_credited=False))
        self._take_funds(purchase.account, plan.price)
        self._trial.keep(granted)
        is_at_once = self._confirms[card.carrier]
        standing = granted.standing
        answer = Sold(
            number=new_number(),
            state=states.ACTIVE if is_at_once else states.ACTIVATING,
            iccid=card.iccid,
            plan_code=plan.code,
            price=plan.price,
            remaining_bytes=standing.remaining,
            online_until=standing.online_until,
            is_replay=False,
        )
        self._answers[key] = answer
        self._sales.append(_Sale(purchase, card, plan, granted, is_at_once, answer))
        return answer

    def _take_funds(self, account: str, price: Money) -> None:
        currency, available = self._funds.get(account, (price.currency, 0))
        if currency != price.currency or available < price.amount_minor:
            raise FundsInsufficient
        self._funds[account] = (currency, available - price.amount_minor)

    def _write(self) -> None:
        orders = place_paid_orders(
            sales=[
                PaidSale(
                    number=sale.answer.number,
                    price=sale.plan.price,
                    lines=[{"plan": sale.plan.code, "amount_minor": sale.plan.price.amount_minor}],
                    actor=sale.purchase.actor,
                )
                for sale in self._sales
            ],
            channel=self._channel,
            language=_LANGUAGE,
            now=self._now,
        )
        ids = self._insert_renewals(orders)
        at_once = {ids[sale.answer.number]: sale for sale in self._sales if sale.is_at_once}
        self._trial.write({renewal_id: sale.granted for renewal_id, sale in at_once.items()})
        by_actor: dict[str, list[RenewalActivated]] = {}
        for renewal_id, sale in at_once.items():
            fact = RenewalActivated(card_id=sale.card.id, renewal_id=renewal_id)
            by_actor.setdefault(sale.purchase.actor, []).append(fact)
        for actor, facts in by_actor.items():
            record_facts(facts, actor=actor, now=self._now)
        if len(at_once) < len(self._sales):
            wake(ACTIVATE)
        spend(
            [
                Spending(sale.purchase.account, sale.answer.number, sale.plan.price, sale.is_at_once)
                for sale in self._sales
            ],
            now=self._now,
        )

    def _insert_renewals(self, orders: Mapping[str, int]) -> dict[str, int]:
        """Writes the renewals and the moves of those that are active; returns ids by the numbers of their orders."""
        now, sales = self._now, self._sales
        hashes = {code: fingerprint(plan=code) for code in self._plans}
        inserted = statements.rows(
            selling_sql.INSERT,
            {
                "cards": [sale.card.id for sale in sales],
                "orders": [orders[sale.answer.number] for sale in sales],
                "plans": [sale.plan.id for sale in sales],
                "terms": [sale.plan.terms_id for sale in sales],
                "actors": [sale.purchase.actor for sale in sales],
                "keys": [sale.purchase.key for sale in sales],
                "hashes": [hashes[sale.plan.code] for sale in sales],
                "references": [uuid.uuid4() for _ in sales],
                "states": [states.ACTIVE if sale.is_at_once else states.ORDERED for sale in sales],
                "credited": [now if sale.is_at_once else None for sale in sales],
                "next": [None if sale.is_at_once else now for sale in sales],
                "told": [sale.answer.state for sale in sales],
                "remaining": [sale.answer.remaining_bytes for sale in sales],
                "until": [sale.answer.online_until for sale in sales],
                "now": now,
            },
        )
        numbers = {order_id: number for number, order_id in orders.items()}
        return {numbers[order_id]: renewal_id for order_id, renewal_id in inserted}


def _confirms_at_once(name: str) -> bool:
    """What a carrier says, asked once for each batch; one that is not installed (any more) keeps its cards waiting."""
    return name in carrier_names() and carrier(name).capabilities.confirms_at_once
