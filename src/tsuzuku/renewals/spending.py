# SPDX-License-Identifier: Apache-2.0
"""What the renewals of a card have cost, month by month."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from tsuzuku.journal import statements
from tsuzuku.kernel.money import Money
from tsuzuku.orders.payers import GIVING
from tsuzuku.payments.states import NOTHING_RETURNED_STATES

#: What was paid for renewals that were not given up, less what payers were let off or got back as goodwill. What a
#: partner or a friend paid is their own affair.
_BY_MONTH = """
    SELECT date_trunc('month', renewal.created_at AT TIME ZONE %(zone)s)::date AS month, orders.currency, count(*),
           sum(orders.amount_minor - coalesce(let_off.minor, 0) - coalesce(returned.minor, 0))::bigint
      FROM renewals_renewal AS renewal
      JOIN orders_order AS orders ON orders.id = renewal.order_id
      LEFT JOIN LATERAL (
           SELECT sum(amount_minor) AS minor FROM payments_posting
            WHERE kind = 'let-off' AND subject = orders.number) AS let_off ON true
      LEFT JOIN LATERAL (
           SELECT sum(refund.amount_minor) AS minor
             FROM payments_payment AS payment
             JOIN payments_capture AS capture ON capture.payment_id = payment.id
             JOIN payments_refund AS refund ON refund.capture_id = capture.id
            WHERE payment.purpose = orders.number AND refund.is_goodwill
              AND refund.state <> ALL(%(nothing)s::text[])) AS returned ON true
     WHERE renewal.card_id = %(card)s AND orders.state = 'paid' AND renewal.state <> 'withdrawn'
       AND renewal.actor NOT LIKE 'partner:%%' AND renewal.actor NOT LIKE ALL(%(givers)s::text[])
     GROUP BY month, orders.currency
     ORDER BY month DESC, orders.currency
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentInMonth:
    """What the renewals of a month of the brand's zone cost, by the month in which they were ordered."""

    month: date
    renewals: int
    spent: Money


def spending_of_card(card_id: int) -> list[SpentInMonth]:
    """Every month in which a card was renewed, the latest first, currencies apart. One statement."""
    asked = {
        "card": card_id,
        "zone": settings.TIME_ZONE,
        "nothing": sorted(NOTHING_RETURNED_STATES),
        "givers": [f"friend:{came}-%" for came in sorted(GIVING)],
    }
    return [
        SpentInMonth(month=month, renewals=renewals, spent=Money(minor, currency))
        for month, currency, renewals, minor in statements.rows(_BY_MONTH, asked)
    ]


def in_all(months: list[SpentInMonth]) -> list[Money]:
    """The sum of each currency."""
    sums: dict[str, int] = {}
    for each in months:
        sums[each.spent.currency] = sums.get(each.spent.currency, 0) + each.spent.amount_minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items())]
