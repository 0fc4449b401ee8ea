# SPDX-License-Identifier: Apache-2.0
"""What must always hold of money."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: Every capture is posted once with its amount, and every finished refund too; nothing else is posted as either.
_CAPTURES_NOT_POSTED = """
    SELECT c.id, c.amount_minor, p.amount_minor
      FROM payments_capture AS c
      LEFT JOIN payments_posting AS p ON p.kind = 'capture' AND p.subject = 'capture:' || c.id
     WHERE p.id IS NULL OR (p.amount_minor, p.currency) <> (c.amount_minor, c.currency)
     ORDER BY c.id
"""
_REFUNDS_NOT_POSTED = """
    SELECT r.id, r.state, c.amount_minor, p.amount_minor
      FROM payments_refund AS r
      JOIN payments_capture AS c ON c.id = r.capture_id
      LEFT JOIN payments_posting AS p ON p.kind = 'refund' AND p.subject = 'refund:' || r.id
     WHERE (r.state = 'done') <> (p.id IS NOT NULL) OR p.amount_minor <> c.amount_minor
     ORDER BY r.id
"""

#: Surplus money goes back, and what went back has an outcome that says so or a purpose that was not fulfilled.
_SURPLUS_KEPT = """
    SELECT c.id, c.amount_minor
      FROM payments_capture AS c
     WHERE c.outcome = 'surplus' AND NOT EXISTS (SELECT FROM payments_refund AS r WHERE r.capture_id = c.id)
     ORDER BY c.id
"""

#: What is both earned and given back, or earned without having been paid.
_EARNED_WRONGLY = """
    SELECT e.purpose, e.amount_minor, coalesce(sum(c.amount_minor), 0)
      FROM payments_posting AS e
      LEFT JOIN payments_payment AS p ON p.purpose = e.purpose
      LEFT JOIN payments_capture AS c ON c.payment_id = p.id AND c.outcome = 'accepted'
            AND NOT EXISTS (SELECT FROM payments_refund AS r WHERE r.capture_id = c.id AND r.state <> 'failed')
     WHERE e.kind = 'earn'
     GROUP BY e.id
    HAVING coalesce(sum(c.amount_minor), 0) <> e.amount_minor
     ORDER BY e.id
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
        cursor.execute(_UNBALANCED)
        for currency, debits, credits_ in cursor.fetchall():
            yield Finding("ledger-unbalanced", currency, f"debits {debits}, credits {credits_}")
