# SPDX-License-Identifier: Apache-2.0
"""What must always hold of money."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: Every capture is posted once with its amount, and every finished refund too; nothing else is posted as either, unless
#: the money of a refund came back to us and that is posted as well.
_CAPTURES_NOT_POSTED = """
    SELECT c.id, c.amount_minor, p.amount_minor
      FROM payments_capture AS c
      LEFT JOIN payments_posting AS p ON p.kind = 'capture' AND p.subject = 'capture:' || c.id
     WHERE p.id IS NULL OR (p.amount_minor, p.currency) <> (c.amount_minor, c.currency)
     ORDER BY c.id
"""
_REFUNDS_NOT_POSTED = """
    SELECT r.id, r.state, r.amount_minor, p.amount_minor
      FROM payments_refund AS r
      LEFT JOIN payments_posting AS p ON p.kind = 'refund' AND p.subject = 'refund:' || r.id
      LEFT JOIN payments_posting AS back ON back.kind = 'refund-returned' AND back.subject = 'refund:' || r.id
     WHERE (r.state = 'done') <> (p.id IS NOT NULL AND back.id IS NULL)
        OR p.amount_minor <> r.amount_minor OR back.amount_minor <> r.amount_minor
     ORDER BY r.id
"""

#: Surplus money goes back, and what went back has an outcome that says so or a purpose that was not fulfilled.
_SURPLUS_KEPT = """
    SELECT c.id, c.amount_minor
      FROM payments_capture AS c
     WHERE c.outcome = 'surplus' AND NOT EXISTS (SELECT FROM payments_refund AS r WHERE r.capture_id = c.id)
     ORDER BY c.id
"""

#: What is both earned and given back, or earned without having been paid, by a provider or out of an account.
_EARNED_WRONGLY = """
    SELECT e.purpose, e.amount_minor,
           coalesce(captured.minor, 0) + coalesce(charged.minor, 0) + coalesce(spent.minor, 0)
      FROM payments_posting AS e
      CROSS JOIN LATERAL (
           SELECT sum(c.amount_minor) AS minor
             FROM payments_payment AS p JOIN payments_capture AS c ON c.payment_id = p.id AND c.outcome = 'accepted'
            WHERE p.purpose = e.purpose
              AND NOT EXISTS (SELECT FROM payments_refund AS r WHERE r.capture_id = c.id AND r.state <> 'failed')
           ) AS captured
      CROSS JOIN LATERAL (
           SELECT sum(CASE kind WHEN 'charge' THEN amount_minor ELSE -amount_minor END) AS minor
             FROM payments_posting WHERE kind IN ('charge', 'return') AND subject = e.purpose) AS charged
      CROSS JOIN LATERAL (
           SELECT sum(amount_minor) AS minor
             FROM payments_balancecharge WHERE purpose = e.purpose AND state = 'spent') AS spent
     WHERE e.kind = 'earn'
       AND coalesce(captured.minor, 0) + coalesce(charged.minor, 0) + coalesce(spent.minor, 0) <> e.amount_minor
     ORDER BY e.id
"""

#: Sold at once and also charged, earned or returned: the same thing was paid twice.
_SOLD_TWICE = """
    SELECT sale.subject, other.kind
      FROM payments_posting AS sale
      JOIN payments_posting AS other ON other.subject = sale.subject AND other.kind IN ('charge', 'earn', 'return')
     WHERE sale.kind = 'sale'
     ORDER BY sale.id
"""

#: A spending account holds what its postings make of it.
_SPENDING_DIFFERS = """
    SELECT account.code, spending.balance_minor, coalesce(sum(side.minor), 0)
      FROM payments_spendingaccount AS spending
      JOIN payments_account AS account ON account.id = spending.account_id
      LEFT JOIN (SELECT credit_id AS account_id, amount_minor AS minor FROM payments_posting
                 UNION ALL
                 SELECT debit_id, -amount_minor FROM payments_posting) AS side ON side.account_id = account.id
     GROUP BY account.id, spending.account_id
    HAVING spending.balance_minor <> coalesce(sum(side.minor), 0)
        OR spending.balance_minor < -spending.credit_limit_minor
     ORDER BY account.id
"""

#: The accounts as their postings make them: debits and credits over all accounts are the same sum.
_UNBALANCED = """
    SELECT currency, sum(debit), sum(credit)
      FROM (SELECT p.currency, p.amount_minor AS debit, 0 AS credit
              FROM payments_posting AS p JOIN payments_account AS a ON a.id = p.debit_id
            UNION ALL
            SELECT p.currency, 0, p.amount_minor
              FROM payments_posting AS p JOIN payments_account AS a ON a.id = p.credit_id) AS sides
     GROUP BY currency
    HAVING sum(debit) <> sum(credit)
"""

#: What no constraint holds, so that postings need not lock the few rows of accounts.
_WITHOUT_ACCOUNT = """
    SELECT id, debit_id, credit_id
      FROM payments_posting
     WHERE debit_id NOT IN (SELECT id FROM payments_account) OR credit_id NOT IN (SELECT id FROM payments_account)
     ORDER BY id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_CAPTURES_NOT_POSTED)
        for capture, amount, posted in cursor.fetchall():
            yield Finding("capture-not-posted", f"capture {capture}", f"{amount}, posted {posted}")
        cursor.execute(_REFUNDS_NOT_POSTED)
        for refund, state, amount, posted in cursor.fetchall():
            yield Finding("refund-not-posted", f"refund {refund}", f"{state}, {amount}, posted {posted}")
        cursor.execute(_SURPLUS_KEPT)
        for capture, amount in cursor.fetchall():
            yield Finding("surplus-kept", f"capture {capture}", f"{amount}")
        cursor.execute(_EARNED_WRONGLY)
        for purpose, earned, kept in cursor.fetchall():
            yield Finding("earned-without-money", purpose, f"earned {earned}, kept {kept}")
        cursor.execute(_SOLD_TWICE)
        for purpose, kind in cursor.fetchall():
            yield Finding("sold-twice", purpose, f"sold at once, and a posting of kind {kind}")
        cursor.execute(_SPENDING_DIFFERS)
        for code, balance, posted in cursor.fetchall():
            yield Finding("spending-differs", code, f"balance {balance}, postings {posted}")
        cursor.execute(_UNBALANCED)
        for currency, debits, credits_ in cursor.fetchall():
            yield Finding("ledger-unbalanced", currency, f"debits {debits}, credits {credits_}")
        cursor.execute(_WITHOUT_ACCOUNT)
        for posting, debit, credit in cursor.fetchall():
            yield Finding("account-missing", f"posting {posting}", f"from account {credit} to account {debit}")
