# SPDX-License-Identifier: Apache-2.0
"""What was sold and what of it went back: by channel, by method, by plan, by day, or by several of them at once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings

from tsuzuku.journal import statements
from tsuzuku.kernel.money import Money
from tsuzuku.reports.dimensions import Dimension
from tsuzuku.reports.periods import Days


@dataclass(frozen=True, kw_only=True, slots=True)
class SalesFigure:
    """What came of some orders, in one currency. What figures are not told apart by is None."""

    day: date | None
    channel: str | None
    #: `provider:method`; `balance` or `account` for what was paid out of a customer's or a partner's account; empty
    #: for what nobody paid.
    method: str | None
    plan: str | None
    #: Paid in the time.
    orders: int
    sold: Money
    #: Given back in the time, whenever it was paid.
    refunds: int
    returned: Money

    @property
    def net(self) -> Money:
        """What stayed."""
        return self.sold - self.returned


#: One row for each way in which an order was paid, and one for each time that something of it went back; then summed.
_SALES = """
    WITH sold AS (
        SELECT o.id, o.number, o.channel, o.currency, o.amount_minor, (move.at AT TIME ZONE %(zone)s::text)::date AS day
          FROM orders_ordermove AS move
          JOIN orders_order AS o ON o.id = move.order_id
         WHERE move.target = 'paid' AND move.at >= %(begins_at)s::timestamptz AND move.at < %(ends_at)s::timestamptz
    ), captured AS (
        SELECT sold.id, payment.provider || ':' || payment.method AS method, capture.amount_minor
          FROM sold
          JOIN payments_payment AS payment ON payment.purpose = sold.number
          JOIN payments_capture AS capture ON capture.payment_id = payment.id AND capture.outcome = 'accepted'
    ), moved AS (
        SELECT sold.id, sold.channel, captured.method, sold.currency, sold.day,
               1 AS is_sale, captured.amount_minor AS sold_minor, 0 AS is_refund, 0 AS returned_minor
          FROM sold JOIN captured USING (id)
        UNION ALL
        SELECT sold.id, sold.channel,
               CASE WHEN EXISTS (SELECT FROM payments_balancecharge AS charge WHERE charge.purpose = sold.number)
                    THEN 'balance'
                    WHEN EXISTS (SELECT FROM payments_posting AS posting
                                  WHERE posting.kind IN ('sale', 'charge') AND posting.subject = sold.number)
                    THEN 'account'
                    ELSE ''
               END,
               sold.currency, sold.day, 1, sold.amount_minor - coalesce(taken.amount_minor, 0), 0, 0
          FROM sold
          LEFT JOIN (SELECT id, sum(amount_minor) AS amount_minor FROM captured GROUP BY id) AS taken USING (id)
         WHERE sold.amount_minor > coalesce(taken.amount_minor, 0)
        UNION ALL
        SELECT o.id, o.channel, payment.provider || ':' || payment.method, capture.currency,
               (refund.done_at AT TIME ZONE %(zone)s::text)::date, 0, 0, 1, refund.amount_minor
          FROM payments_refund AS refund
          JOIN payments_capture AS capture ON capture.id = refund.capture_id AND capture.outcome = 'accepted'
          JOIN payments_payment AS payment ON payment.id = capture.payment_id
          JOIN orders_order AS o ON o.number = payment.purpose
         WHERE refund.state = 'done' AND refund.done_at >= %(begins_at)s::timestamptz
           AND refund.done_at < %(ends_at)s::timestamptz
        UNION ALL
        SELECT o.id, o.channel,
               CASE split_part(account.code, ':', 1) WHEN 'customer' THEN 'balance' ELSE 'account' END,
               posting.currency, (posting.posted_at AT TIME ZONE %(zone)s::text)::date, 0, 0, 1, posting.amount_minor
          FROM payments_posting AS posting
          JOIN payments_account AS account ON account.id = posting.credit_id
          JOIN orders_order AS o ON o.number = posting.purpose AND o.state = 'paid'
          LEFT JOIN payments_balancecharge AS charge
                 ON charge.id = substring(posting.subject from '^balance-charge:([0-9]+)$')::bigint
         WHERE posting.kind = 'return' AND charge.state IS DISTINCT FROM 'returned'
           AND posting.posted_at >= %(begins_at)s::timestamptz
           AND posting.posted_at < %(ends_at)s::timestamptz
    )
    SELECT CASE WHEN %(by_day)s::bool THEN moved.day END AS day,
           CASE WHEN %(by_channel)s::bool THEN moved.channel END AS channel,
           CASE WHEN %(by_method)s::bool THEN moved.method END AS method,
           CASE WHEN %(by_plan)s::bool THEN plan.code END AS plan,
           moved.currency, count(DISTINCT moved.id) FILTER (WHERE is_sale = 1), sum(sold_minor)::bigint,
           sum(is_refund), sum(returned_minor)::bigint
      FROM moved
      JOIN renewals_renewal AS renewal ON renewal.order_id = moved.id
      JOIN catalog_plan AS plan ON plan.id = renewal.plan_id
     GROUP BY 1, 2, 3, 4, moved.currency
     ORDER BY 1, 2, 3, 4, moved.currency
"""


def sales(days: Days, *, by: Collection[Dimension]) -> list[SalesFigure]:
    """What was paid and what went back in some days of the brand's time, told apart by these.

    A top-up of a balance is no sale: what is paid out of the balance is.
    An order that is paid in two ways counts in each of them where figures are told apart by method, else once.
    """
    begins_at, ends_at = days.moments(ZoneInfo(settings.TIME_ZONE))
    asked = {
        "zone": settings.TIME_ZONE,
        "begins_at": begins_at,
        "ends_at": ends_at,
        **{f"by_{dimension}": dimension in by for dimension in Dimension},
    }
    return [
        SalesFigure(
            day=day,
            channel=channel,
            method=method,
            plan=plan,
            orders=orders,
            sold=Money(sold, currency),
            refunds=refunds,
            returned=Money(returned, currency),
        )
        for day, channel, method, plan, currency, orders, sold, refunds, returned in statements.rows(_SALES, asked)
    ]
