# SPDX-License-Identifier: Apache-2.0
"""What must always hold of renewals."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: An active renewal has exactly one grant for each kind that its terms give, any other has none.
_GRANTS_DIFFER = """
    SELECT o.number, r.state, given.count, kinds.count
      FROM renewals_renewal AS r
      JOIN orders_order AS o ON o.id = r.order_id
      JOIN catalog_plantermsrow AS t ON t.id = r.terms_id
      CROSS JOIN LATERAL (
           SELECT count(*) FROM allowances_grant AS g WHERE (g.card_id, g.renewal_id) = (r.card_id, r.id)) AS given
      CROSS JOIN LATERAL (
           SELECT count(*) FROM jsonb_object_keys(t.terms -> 'amounts')) AS kinds
     WHERE given.count <> CASE WHEN r.state = 'active' THEN kinds.count ELSE 0 END
     ORDER BY r.id
"""

#: An active renewal was earned once, and its price was paid: by a capture, out of an account, or out of a balance
#: together with either; what went back since is goodwill. A withdrawn one was not earned, and what was taken goes back.
_MONEY_DIFFERS = """
    SELECT o.number, r.state, o.state, o.amount_minor, earned.count, posted.minor + captured.minor + spent.minor
      FROM renewals_renewal AS r
      JOIN orders_order AS o ON o.id = r.order_id
      CROSS JOIN LATERAL (
           SELECT count(*) FROM payments_posting AS p
            WHERE p.kind IN ('earn', 'sale') AND p.subject = o.number) AS earned
      CROSS JOIN LATERAL (
           SELECT coalesce(sum(CASE WHEN p.kind IN ('return', 'let-off-return') THEN -p.amount_minor
                                    ELSE p.amount_minor END), 0) AS minor
             FROM payments_posting AS p
            WHERE p.kind IN ('sale', 'charge', 'return', 'let-off', 'let-off-return') AND p.subject = o.number
           ) AS posted
      CROSS JOIN LATERAL (
           SELECT coalesce(sum(b.amount_minor), 0) AS minor
             FROM payments_balancecharge AS b WHERE b.purpose = o.number AND b.state = 'spent') AS spent
      CROSS JOIN LATERAL (
           SELECT coalesce(sum(c.amount_minor - coalesce(returned.minor, 0) - coalesce(by_bank.minor, 0)), 0) AS minor
             FROM payments_capture AS c
             JOIN payments_payment AS p ON p.id = c.payment_id
             CROSS JOIN LATERAL (
                  SELECT sum(f.amount_minor) AS minor FROM payments_refund AS f
                   WHERE f.capture_id = c.id AND f.state NOT IN ('failed', 'replaced') AND NOT f.is_goodwill
                  ) AS returned
             CROSS JOIN LATERAL (
                  SELECT sum(given.amount_minor) AS minor
                    FROM payments_dispute AS d
                    JOIN payments_posting AS given ON given.kind = 'dispute-owed' AND given.subject = 'dispute:' || d.id
                   WHERE d.capture_id = c.id AND d.state = 'lost') AS by_bank
            WHERE p.purpose = o.number AND c.outcome = 'accepted') AS captured
     WHERE earned.count <> CASE WHEN r.state = 'active' THEN 1 ELSE 0 END
        OR (r.state = 'active' AND (o.state <> 'paid' OR posted.minor + captured.minor + spent.minor <> o.amount_minor))
        OR (r.state = 'withdrawn' AND posted.minor + captured.minor + spent.minor <> 0)
     ORDER BY r.id
"""

#: A paid renewal that has not ended is on its way to the listener that settles it, or says when it is taken up again.
_FORGOTTEN = """
    SELECT o.number, r.state
      FROM renewals_renewal AS r
      JOIN orders_order AS o ON o.id = r.order_id
     WHERE (r.state = 'activating' AND r.next_attempt_at IS NULL)
        OR (r.state = 'ordered' AND r.settled_at IS NOT NULL AND r.next_attempt_at IS NULL)
        OR (r.state = 'ordered' AND r.settled_at IS NULL AND o.state = 'paid'
            AND NOT EXISTS (
                SELECT FROM journal_delivery AS d JOIN journal_fact AS f ON f.id = ANY(d.fact_ids)
                 WHERE d.listener = 'renewals settle paid orders' AND (f.body ->> 'order_id')::bigint = o.id))
     ORDER BY r.id
"""

#: What a promotion took off is reserved while money may come, used once it has, and free when nothing was given for it.
#: What a withdrawal gives back is on its way to the listener that does it.
_PROMOTIONS_DIFFER = """
    SELECT o.number, p.code, d.state, o.state, r.state
      FROM catalog_redemption AS d
      JOIN catalog_promotion AS p ON p.id = d.promotion_id
      JOIN orders_order AS o ON o.number = d.purpose
      JOIN renewals_renewal AS r ON r.order_id = o.id
     WHERE d.state <> ALL (
               CASE WHEN r.state = 'withdrawn' OR o.state IN ('cancelled', 'expired') THEN ARRAY['freed']
                    WHEN o.state = 'awaiting_payment' THEN ARRAY['reserved']
                    WHEN o.state = 'held' OR r.settled_at IS NULL THEN ARRAY['reserved', 'freed']
                    ELSE ARRAY['used'] END)
       AND NOT EXISTS (
           SELECT FROM journal_delivery AS waiting JOIN journal_fact AS f ON f.id = ANY(waiting.fact_ids)
            WHERE waiting.listener = 'renewals free promotions' AND (f.body ->> 'renewal_id')::bigint = r.id)
     ORDER BY r.id, p.id
"""

#: The last move leads to the state that the row shows. All last moves at once: looked up one by one, without statistics
#: (after a crash there are none) the planner takes a way that grows with the square of the renewals.
_HISTORY_DIFFERS = """
    SELECT o.number, r.state, last.target
      FROM renewals_renewal AS r
      JOIN orders_order AS o ON o.id = r.order_id
      LEFT JOIN (
           SELECT DISTINCT ON (renewal_id) renewal_id, target
             FROM renewals_renewalmove ORDER BY renewal_id, id DESC) AS last
        ON last.renewal_id = r.id
     WHERE r.state <> coalesce(last.target, 'ordered')
     ORDER BY r.id
"""

#: What renews itself says when it is looked at again; what does not, waits for nothing.
_AUTOMATIC_FORGOTTEN = """
    SELECT id, card_id, is_on FROM renewals_automaticrenewal
     WHERE is_on <> (next_attempt_at IS NOT NULL) ORDER BY id
"""

#: What no constraint holds, so that renewals need not lock the few rows of plans and terms.
_WITHOUT_TERMS = """
    SELECT o.number, r.plan_id, r.terms_id
      FROM renewals_renewal AS r
      JOIN orders_order AS o ON o.id = r.order_id
     WHERE r.plan_id NOT IN (SELECT id FROM catalog_plan)
        OR r.terms_id NOT IN (SELECT id FROM catalog_plantermsrow)
     ORDER BY r.id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_GRANTS_DIFFER)
        for number, state, grants, kinds in cursor.fetchall():
            yield Finding("grants-differ", f"renewal {number}", f"{state} with {grants} grants for {kinds} kinds")
        cursor.execute(_MONEY_DIFFERS)
        for number, state, order_state, price, earned, kept in cursor.fetchall():
            detail = f"{state}, order {order_state} at {price}, earned {earned} times, {kept} kept"
            yield Finding("renewal-and-money-differ", f"renewal {number}", detail)
        cursor.execute(_FORGOTTEN)
        for number, state in cursor.fetchall():
            yield Finding("renewal-forgotten", f"renewal {number}", f"paid and {state}, and nothing will take it up")
        cursor.execute(_PROMOTIONS_DIFFER)
        for number, promotion, redemption, order_state, state in cursor.fetchall():
            detail = f"{redemption}, order {order_state}, renewal {state}"
            yield Finding("promotion-and-order-differ", f"promotion {promotion} of order {number}", detail)
        cursor.execute(_HISTORY_DIFFERS)
        for number, state, target in cursor.fetchall():
            yield Finding("history-differs", f"renewal {number}", f"is {state}, last moved to {target}")
        cursor.execute(_AUTOMATIC_FORGOTTEN)
        for automatic, card, is_on in cursor.fetchall():
            detail = f"card {card}, {'on and nothing will look at it' if is_on else 'off and still waiting'}"
            yield Finding("automatic-forgotten", f"automatic renewal {automatic}", detail)
        cursor.execute(_WITHOUT_TERMS)
        for number, plan_id, terms_id in cursor.fetchall():
            yield Finding(
                "terms-missing", f"renewal {number}", f"there is no plan {plan_id} or there are no terms {terms_id}"
            )
