# SPDX-License-Identifier: Apache-2.0
"""What must always hold of lots and grants, proven on a live database."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: A lot holds exactly what its grants put into it; without a limit it has had an unlimited grant.
_LOTS_NOT_GRANTED = """
    SELECT lot.id, lot.total, lot.renewals, count(given.id), sum(given.amount + given.restored),
           bool_or(given.id IS NOT NULL AND (given.amount IS NULL OR given.restored IS NULL))
      FROM allowances_lotrow AS lot LEFT JOIN allowances_grant AS given ON given.lot_id = lot.id
     GROUP BY lot.id
    HAVING lot.renewals <> count(given.id)
        OR (lot.total IS NULL) <> bool_or(given.id IS NOT NULL AND (given.amount IS NULL OR given.restored IS NULL))
        OR lot.total <> sum(given.amount + given.restored)
     ORDER BY lot.id
"""

_LOTS_NEGATIVE = "SELECT id, remaining FROM allowances_lotrow WHERE remaining < 0 OR remaining > total ORDER BY id"

#: What no constraint holds, so that lots need not lock the few rows of terms.
_LOTS_WITHOUT_TERMS = """
    SELECT id, terms_id
      FROM allowances_lotrow
     WHERE terms_id NOT IN (SELECT id FROM catalog_plantermsrow)
     ORDER BY id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_LOTS_NOT_GRANTED)
        for lot_id, total, renewals, grants, granted, _ in cursor.fetchall():
            detail = f"total {total} in {renewals} renewals, granted {granted} in {grants}"
            yield Finding("lot-not-granted", f"lot {lot_id}", detail)
        cursor.execute(_LOTS_NEGATIVE)
        for lot_id, remaining in cursor.fetchall():
            yield Finding("lot-out-of-bounds", f"lot {lot_id}", f"remaining {remaining}")
        cursor.execute(_LOTS_WITHOUT_TERMS)
        for lot_id, terms_id in cursor.fetchall():
            yield Finding("terms-missing", f"lot {lot_id}", f"there are no terms {terms_id}")
