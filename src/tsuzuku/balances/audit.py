# SPDX-License-Identifier: Apache-2.0
"""What must always hold of balances."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: A customer's balance is what is left of its parts.
_BALANCE_DIFFERS = """
    SELECT account.code, spending.balance_minor, sum(part.left_minor)
      FROM payments_balancepart AS part
      JOIN payments_spendingaccount AS spending ON spending.account_id = part.account_id
      JOIN payments_account AS account ON account.id = part.account_id
     GROUP BY account.id, spending.account_id
    HAVING spending.balance_minor <> sum(part.left_minor)
     ORDER BY account.id
"""

#: A part is what is left, what ended and what charges hold of it; and it was booked, when it came and when it ended.
_PARTS_DIFFER = """
    SELECT part.id, part.amount_minor, part.left_minor, part.ended_minor, coalesce(drawn.minor, 0)
      FROM payments_balancepart AS part
      JOIN payments_account AS account ON account.id = part.account_id
      LEFT JOIN (SELECT d.part_id, sum(d.amount_minor) AS minor
                   FROM payments_balancedraw AS d JOIN payments_balancecharge AS c ON c.id = d.charge_id
                  WHERE c.state IN ('set_aside', 'spent')
                  GROUP BY d.part_id) AS drawn ON drawn.part_id = part.id
      LEFT JOIN payments_posting AS booked
        ON booked.kind = 'top-up' AND booked.subject = account.code || ':' || part.reference
      LEFT JOIN (SELECT split_part(subject, ':', 2)::bigint AS part_id, sum(amount_minor) AS minor
                   FROM payments_posting WHERE kind = 'end' GROUP BY 1) AS ended ON ended.part_id = part.id
     WHERE part.amount_minor <> part.left_minor + part.ended_minor + coalesce(drawn.minor, 0)
        OR booked.amount_minor IS DISTINCT FROM part.amount_minor
        OR part.ended_minor <> coalesce(ended.minor, 0)
     ORDER BY part.id
"""

#: A charge is what it drew from parts, posted once, and posted as returned when it went back.
_CHARGES_DIFFER = """
    SELECT c.id, c.purpose, c.state, c.amount_minor, coalesce(drawn.minor, 0), p.amount_minor, back.amount_minor
      FROM payments_balancecharge AS c
      LEFT JOIN (SELECT charge_id, sum(amount_minor) AS minor
                   FROM payments_balancedraw GROUP BY charge_id) AS drawn ON drawn.charge_id = c.id
      LEFT JOIN payments_posting AS p ON p.kind = 'charge' AND p.subject = 'balance-charge:' || c.id
      LEFT JOIN payments_posting AS back ON back.kind = 'return' AND back.subject = 'balance-charge:' || c.id
     WHERE c.amount_minor <> coalesce(drawn.minor, 0) OR p.amount_minor IS DISTINCT FROM c.amount_minor
        OR back.amount_minor IS DISTINCT FROM
           CASE WHEN c.state IN ('returned', 'given_back') THEN c.amount_minor END
     ORDER BY c.id
"""

#: A top-up is booked, with the price of its order, if and only if that is paid; or it is on its way to the listener.
_TOP_UPS_DIFFER = """
    SELECT o.number, o.state, o.amount_minor, p.amount_minor
      FROM balances_topup AS t
      JOIN orders_order AS o ON o.id = t.order_id
      LEFT JOIN payments_balancepart AS p ON p.id = t.part_id
     WHERE p.amount_minor IS DISTINCT FROM CASE WHEN o.state = 'paid' THEN o.amount_minor END
       AND NOT (o.state = 'paid' AND p.id IS NULL AND EXISTS (
           SELECT FROM journal_delivery AS d JOIN journal_fact AS f ON f.id = ANY(d.fact_ids)
            WHERE d.listener = 'balances book top-ups' AND (f.body ->> 'order_id')::bigint = o.id))
     ORDER BY t.id
"""

#: What was topped up and given back to its payer as well.
_TOPPED_UP_AND_REFUNDED = """
    SELECT o.number, sum(r.amount_minor)
      FROM balances_topup AS t
      JOIN orders_order AS o ON o.id = t.order_id
      JOIN payments_payment AS p ON p.purpose = o.number
      JOIN payments_capture AS c ON c.payment_id = p.id AND c.outcome = 'accepted'
      JOIN payments_refund AS r ON r.capture_id = c.id AND r.state NOT IN ('failed', 'replaced', 'void')
     WHERE t.part_id IS NOT NULL
     GROUP BY t.id, o.number
     ORDER BY t.id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE_DIFFERS)
        for code, balance, left in cursor.fetchall():
            yield Finding("balance-differs", code, f"balance {balance}, its parts {left}")
        cursor.execute(_PARTS_DIFFER)
        for part, amount, left, ended, drawn in cursor.fetchall():
            detail = f"{amount}, left {left}, ended {ended}, held by charges {drawn}, or not so posted"
            yield Finding("balance-part-differs", f"part {part}", detail)
        cursor.execute(_CHARGES_DIFFER)
        for charge, purpose, state, amount, drawn, posted, back in cursor.fetchall():
            detail = f"{state}, {amount} for {purpose}, drawn {drawn}, posted {posted}, returned {back}"
            yield Finding("balance-charge-differs", f"charge {charge}", detail)
        cursor.execute(_TOP_UPS_DIFFER)
        for number, state, price, booked in cursor.fetchall():
            yield Finding("top-up-and-order-differ", f"order {number}", f"{state} at {price}, booked {booked}")
        cursor.execute(_TOPPED_UP_AND_REFUNDED)
        for number, refunded in cursor.fetchall():
            yield Finding(
                "top-up-refunded", f"order {number}", f"in the balance, and {refunded} gone back to its payer"
            )
