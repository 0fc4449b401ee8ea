# SPDX-License-Identifier: Apache-2.0
"""What must always hold of orders."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: A paid order was paid exactly its price: once by an accepted capture or out of a partner's account, and once at most
#: out of its payer's balance, for a part or all of it. No other order was paid. What a person took for the price of a
#: held order may be another amount.
_PAID_WITHOUT_MONEY = """
    SELECT o.number, o.state, o.amount_minor, count(paid.minor), sum(paid.minor)
      FROM orders_order AS o
      LEFT JOIN (SELECT p.purpose AS number, c.amount_minor AS minor, 'whole' AS way
                   FROM payments_capture AS c JOIN payments_payment AS p ON p.id = c.payment_id
                  WHERE c.outcome = 'accepted'
                 UNION ALL
                 SELECT subject, amount_minor, 'whole' FROM payments_posting WHERE kind IN ('sale', 'charge')
                 UNION ALL
                 SELECT purpose, amount_minor, 'balance'
                   FROM payments_balancecharge WHERE state IN ('spent', 'given_back')) AS paid
             USING (number)
     GROUP BY o.id
    HAVING (o.state = 'paid') <> (count(paid.minor) > 0)
        OR count(*) FILTER (WHERE paid.way = 'whole') > 1
        OR count(*) FILTER (WHERE paid.way = 'balance') > 1
        OR sum(paid.minor) <> o.amount_minor
           AND NOT EXISTS (SELECT FROM orders_ordermove AS m WHERE m.order_id = o.id AND m.source = 'held')
     ORDER BY o.id
"""

#: What is set aside of a balance waits with its order, and goes back when the order ends unpaid.
_BALANCE_FORGOTTEN = """
    SELECT o.number, o.state, c.amount_minor
      FROM payments_balancecharge AS c JOIN orders_order AS o ON o.number = c.purpose
     WHERE c.state = 'set_aside' AND o.state NOT IN ('awaiting_payment', 'held')
     ORDER BY c.id
"""

#: Money without an outcome is on its way to the listener that decides: the fact is written with it, and is told until
#: the decision is committed.
_CAPTURES_FORGOTTEN = """
    SELECT c.id, p.purpose, c.amount_minor
      FROM payments_capture AS c JOIN payments_payment AS p ON p.id = c.payment_id
     WHERE c.outcome = 'undecided'
       AND NOT EXISTS (
           SELECT FROM journal_delivery AS d JOIN journal_fact AS f ON f.id = ANY(d.fact_ids)
            WHERE d.listener = 'orders accept captures' AND (f.body ->> 'capture_id')::bigint = c.id)
     ORDER BY c.id
"""

#: The last move leads to the state that the row shows. All last moves at once: looked up one by one, without statistics
#: (after a crash there are none) the planner takes a way that grows with the square of the orders.
_HISTORY_DIFFERS = """
    SELECT o.number, o.state, last.target
      FROM orders_order AS o
      LEFT JOIN (
           SELECT DISTINCT ON (order_id) order_id, target FROM orders_ordermove ORDER BY order_id, id DESC) AS last
        ON last.order_id = o.id
     WHERE o.state <> coalesce(last.target, 'awaiting_payment')
     ORDER BY o.id
"""

#: The lines of an order sum to its price, and what they say of promotions is what its redemptions say.
_LINES_DIFFER = """
    WITH explained AS (
        SELECT o.number, o.amount_minor, line.total, line.promotions
          FROM orders_order AS o
          CROSS JOIN LATERAL (
               SELECT sum((body ->> 'amount_minor')::bigint) AS total,
                      coalesce(jsonb_object_agg(body ->> 'promotion', -(body ->> 'amount_minor')::bigint)
                               FILTER (WHERE body ? 'promotion'), '{}') AS promotions
                 FROM jsonb_array_elements(o.lines) AS body) AS line
    ), redeemed AS (
        SELECT r.purpose AS number, jsonb_object_agg(p.code, r.amount_minor) AS promotions
          FROM catalog_redemption AS r JOIN catalog_promotion AS p ON p.id = r.promotion_id
         GROUP BY r.purpose
    )
    SELECT number, explained.amount_minor, explained.total, explained.promotions, redeemed.promotions
      FROM explained FULL JOIN redeemed USING (number)
     WHERE explained.total IS DISTINCT FROM explained.amount_minor
        OR coalesce(explained.promotions, '{}') <> coalesce(redeemed.promotions, '{}')
     ORDER BY number
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_PAID_WITHOUT_MONEY)
        for number, state, price, payments, paid in cursor.fetchall():
            detail = f"{state} at {price}, paid {payments} times, {paid} together"
            yield Finding("order-and-money-differ", f"order {number}", detail)
        cursor.execute(_BALANCE_FORGOTTEN)
        for number, state, amount in cursor.fetchall():
            yield Finding("balance-forgotten", f"order {number}", f"{state}, {amount} of a balance still set aside")
        cursor.execute(_CAPTURES_FORGOTTEN)
        for capture, number, amount in cursor.fetchall():
            yield Finding("capture-forgotten", f"capture {capture}", f"{amount} for order {number} has no outcome")
        cursor.execute(_LINES_DIFFER)
        for number, price, total, promotions, redeemed in cursor.fetchall():
            detail = f"{price}, its lines make {total} with {promotions}, redeemed are {redeemed}"
            yield Finding("order-and-lines-differ", f"order {number}", detail)
        cursor.execute(_HISTORY_DIFFERS)
        for number, state, target in cursor.fetchall():
            yield Finding("history-differs", f"order {number}", f"is {state}, last moved to {target}")
