# SPDX-License-Identifier: Apache-2.0
"""What must always hold of money."""

from collections.abc import Iterator

from django.db import connection
from django.db.backends.utils import CursorWrapper

from tsuzuku.kernel.findings import Finding

#: Every capture is posted once with its amount, and every finished refund too; nothing else is posted as either, unless
#: the money of a refund came back to us and that is posted as well. What was given back another way is posted as that.
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
      LEFT JOIN payments_posting AS other
             ON other.kind = CASE r.state WHEN 'closed' THEN 'refund-elsewhere' ELSE 'dispute-owed' END
            AND other.subject = 'refund:' || r.id
      LEFT JOIN payments_posting AS again ON again.kind = 'dispute-owed-again' AND again.subject = 'refund:' || r.id
     WHERE (r.state = 'done') <> (p.id IS NOT NULL AND back.id IS NULL)
        OR (r.state IN ('closed', 'void')) <> (other.id IS NOT NULL AND again.id IS NULL)
        OR p.amount_minor <> r.amount_minor OR back.amount_minor <> r.amount_minor
        OR other.amount_minor <> r.amount_minor OR again.amount_minor <> r.amount_minor
     ORDER BY r.id
"""

#: No more is on its way back, or there, than was taken.
_RETURNED_TOO_MUCH = """
    SELECT c.id, c.amount_minor, sum(r.amount_minor)
      FROM payments_capture AS c JOIN payments_refund AS r ON r.capture_id = c.id
     WHERE r.state NOT IN ('failed', 'replaced', 'void')
     GROUP BY c.id
    HAVING sum(r.amount_minor) > c.amount_minor
     ORDER BY c.id
"""

#: Every dispute is posted once with its amount, and its end as what it is.
_DISPUTES_NOT_POSTED = """
    SELECT d.id, d.state, d.amount_minor
      FROM payments_dispute AS d
      LEFT JOIN payments_posting AS opened ON opened.kind = 'dispute' AND opened.subject = 'dispute:' || d.id
      LEFT JOIN payments_posting AS won ON won.kind = 'dispute-won' AND won.subject = 'dispute:' || d.id
      LEFT JOIN payments_posting AS lost ON lost.kind = 'dispute-lost' AND lost.subject = 'dispute:' || d.id
      LEFT JOIN payments_posting AS appeal ON appeal.kind = 'dispute-appealed' AND appeal.subject = 'dispute:' || d.id
     WHERE opened.amount_minor IS DISTINCT FROM d.amount_minor
        OR (d.state = 'won') <> (won.id IS NOT NULL) OR won.amount_minor <> d.amount_minor
        OR (d.state = 'lost') <> (lost.id IS NOT NULL AND appeal.id IS NULL) OR lost.amount_minor <> d.amount_minor
        OR appeal.amount_minor <> lost.amount_minor
     ORDER BY d.id
"""

#: Surplus money goes back, and what went back has an outcome that says so or a purpose that was not fulfilled.
_SURPLUS_KEPT = """
    SELECT c.id, c.amount_minor
      FROM payments_capture AS c
     WHERE c.outcome = 'surplus' AND NOT EXISTS (SELECT FROM payments_refund AS r WHERE r.capture_id = c.id)
       AND NOT EXISTS (SELECT FROM payments_dispute AS d WHERE d.capture_id = c.id AND d.state = 'lost')
     ORDER BY c.id
"""

#: For what is earned we owe nothing but money that does not fit and what is still to go back. Else it was earned and
#: given back, or earned without having been paid.
_EARNED_WRONGLY = """
    WITH owed AS (
        SELECT p.purpose, sum(CASE WHEN p.credit_id = a.id THEN p.amount_minor ELSE -p.amount_minor END) AS minor
          FROM payments_posting AS p JOIN payments_account AS a ON a.id IN (p.debit_id, p.credit_id)
         WHERE a.code = 'customers'
         GROUP BY p.purpose
    ), due AS (
        SELECT payment.purpose, sum(each.minor) AS minor
          FROM (SELECT c.payment_id, c.amount_minor - coalesce(lost.minor, 0) AS minor
                  FROM payments_capture AS c
                  LEFT JOIN (SELECT capture_id, sum(amount_minor) AS minor FROM payments_dispute
                              WHERE state = 'lost' GROUP BY capture_id) AS lost ON lost.capture_id = c.id
                 WHERE c.outcome IN ('undecided', 'held')
                UNION ALL
                SELECT c.payment_id, r.amount_minor
                  FROM payments_refund AS r JOIN payments_capture AS c ON c.id = r.capture_id
                 WHERE r.state IN ('requested', 'sent', 'failed')) AS each
          JOIN payments_payment AS payment ON payment.id = each.payment_id
         GROUP BY payment.purpose
    )
    SELECT e.purpose, e.amount_minor, coalesce(owed.minor, 0), coalesce(due.minor, 0)
      FROM payments_posting AS e LEFT JOIN owed USING (purpose) LEFT JOIN due USING (purpose)
     WHERE e.kind = 'earn' AND coalesce(owed.minor, 0) <> coalesce(due.minor, 0)
     ORDER BY e.id
"""

#: The charge of a kept method that nobody answered is asked about until it is known what it came to.
_CHARGES_FORGOTTEN = """
    SELECT id, purpose, amount_minor
      FROM payments_payment
     WHERE state = 'created' AND kept_id IS NOT NULL AND next_attempt_at IS NULL
     ORDER BY id
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
        yield from _findings_of_returns(cursor)
        cursor.execute(_EARNED_WRONGLY)
        for purpose, earned, owed, due in cursor.fetchall():
            detail = f"earned {earned}, and {owed} is owed where {due} should be"
            yield Finding("earned-without-money", purpose, detail)
        cursor.execute(_CHARGES_FORGOTTEN)
        for payment, purpose, amount in cursor.fetchall():
            yield Finding("charge-forgotten", f"payment {payment}", f"{amount} for {purpose}, and nobody asks about it")
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


def _findings_of_returns(cursor: CursorWrapper) -> Iterator[Finding]:
    """What does not add up of money that went back, or that payers' banks took."""
    cursor.execute(_REFUNDS_NOT_POSTED)
    for refund, state, amount, posted in cursor.fetchall():
        yield Finding("refund-not-posted", f"refund {refund}", f"{state}, {amount}, posted {posted}")
    cursor.execute(_SURPLUS_KEPT)
    for capture, amount in cursor.fetchall():
        yield Finding("surplus-kept", f"capture {capture}", f"{amount}")
    cursor.execute(_RETURNED_TOO_MUCH)
    for capture, amount, returned in cursor.fetchall():
        yield Finding("returned-too-much", f"capture {capture}", f"{returned} of {amount}")
    cursor.execute(_DISPUTES_NOT_POSTED)
    for dispute, state, amount in cursor.fetchall():
        yield Finding("dispute-not-posted", f"dispute {dispute}", f"{state}, {amount}")
