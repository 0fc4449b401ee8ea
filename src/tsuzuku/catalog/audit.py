# SPDX-License-Identifier: Apache-2.0
"""What must always hold of promotions."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: What a promotion counts is what its redemptions hold.
_USES_DIFFER = """
    SELECT promotion.code, promotion.uses, promotion.spent_minor, held.uses, held.minor
      FROM catalog_promotion AS promotion
      CROSS JOIN LATERAL (
           SELECT count(*) AS uses, coalesce(sum(amount_minor), 0) AS minor
             FROM catalog_redemption
            WHERE promotion_id = promotion.id AND state IN ('reserved', 'used')) AS held
     WHERE (promotion.uses, promotion.spent_minor) IS DISTINCT FROM (held.uses, held.minor)
     ORDER BY promotion.id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_USES_DIFFER)
        for code, uses, spent, held_uses, held in cursor.fetchall():
            detail = f"counts {uses} uses of {spent}, its orders hold {held_uses} of {held}"
            yield Finding("promotion-uses-differ", f"promotion {code}", detail)
