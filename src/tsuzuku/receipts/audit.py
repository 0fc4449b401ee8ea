# SPDX-License-Identifier: Apache-2.0
"""What must always hold of receipts."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: The numbers of a year run from one to its last without a gap; that none is twice, a constraint holds.
_NUMBERS_BROKEN = """
    SELECT year, coalesce(numbered.count, 0), numbered.highest, coalesce(sequence.last, 0)
      FROM receipts_receiptsequence AS sequence
      FULL JOIN (SELECT year, count(*) AS count, max(sequence) AS highest
                   FROM receipts_receipt WHERE year IS NOT NULL GROUP BY year) AS numbered USING (year)
     WHERE coalesce(numbered.count, 0) <> coalesce(sequence.last, -1)
        OR coalesce(numbered.highest, 0) <> coalesce(sequence.last, -1)
     ORDER BY year
"""

#: A receipt is of an order that was paid and of what was given for it, over the same amount, less what was let off.
_SALE_DIFFERS = """
    SELECT o.number, o.state, o.amount_minor, receipt.year, receipt.sequence,
           (SELECT sum((line ->> 'amount_minor')::bigint) FROM jsonb_array_elements(receipt.content -> 'lines') AS line)
      FROM receipts_receipt AS receipt
      JOIN orders_order AS o ON o.id = receipt.order_id
      JOIN renewals_renewal AS renewal ON renewal.order_id = o.id
     WHERE receipt.sequence IS NOT NULL
       AND (o.state <> 'paid' OR renewal.state <> 'active' OR
            o.amount_minor - coalesce((SELECT sum(p.amount_minor) FROM payments_posting AS p
                                        WHERE p.kind = 'let-off' AND p.subject = o.number), 0) IS DISTINCT FROM
            (SELECT sum((line ->> 'amount_minor')::bigint)
               FROM jsonb_array_elements(receipt.content -> 'lines') AS line))
     ORDER BY receipt.id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS_BROKEN)
        for year, count, highest, last in cursor.fetchall():
            detail = f"{count} receipts, the highest {highest}, the last given {last}"
            yield Finding("receipt-numbers-broken", f"year {year}", detail)
        cursor.execute(_SALE_DIFFERS)
        for number, state, price, year, sequence, amount in cursor.fetchall():
            detail = f"{amount}, for order {number}, {state} at {price}"
            yield Finding("receipt-and-sale-differ", f"receipt {year}-{sequence:06d}", detail)
