# SPDX-License-Identifier: Apache-2.0
"""What must always hold of partners."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel import clock
from tsuzuku.kernel.findings import Finding
from tsuzuku.sellers.webhooks import KEEP_RECEIVED

#: Every partner can pay.
_WITHOUT_ACCOUNT = """
    SELECT p.id
      FROM sellers_partner AS p
     WHERE NOT EXISTS (
           SELECT FROM payments_spendingaccount AS s JOIN payments_account AS a ON a.id = s.account_id
            WHERE a.code = 'partner:' || p.id)
     ORDER BY p.id
"""

#: A renewal that was answered as under way and has ended since its partner has an address is told by a webhook of its
#: end, or the fact is on its way to the listener that makes one. One that ended while the address was being set may
#: have found none, and what was received long ago is forgotten.
_NOT_TOLD = """
    SELECT r.id, r.state
      FROM renewals_renewal AS r
      JOIN sellers_partner AS p ON r.actor = 'partner:' || p.id
      JOIN renewals_renewalmove AS m ON m.renewal_id = r.id AND m.target = r.state
     WHERE r.told_state = 'activating' AND r.state IN ('active', 'withdrawn')
       AND m.at > p.webhook_since + interval '1 minute'
       AND m.at > %(remembered_since)s
       AND NOT EXISTS (
           SELECT FROM sellers_webhookdelivery AS d
            WHERE d.renewal_id = r.id
              AND d.type = CASE r.state WHEN 'active' THEN 'renewal.active' ELSE 'renewal.refused' END)
       AND NOT EXISTS (
           SELECT FROM journal_delivery AS waiting JOIN journal_fact AS f ON f.id = ANY(waiting.fact_ids)
            WHERE waiting.listener IN ('sellers announce activation', 'sellers announce withdrawal')
              AND (f.body ->> 'renewal_id')::bigint = r.id)
     ORDER BY r.id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT_ACCOUNT)
        for (partner,) in cursor.fetchall():
            yield Finding("partner-without-account", f"partner {partner}", "has nothing to pay with")
        cursor.execute(_NOT_TOLD, {"remembered_since": clock.now() - KEEP_RECEIVED})
        for renewal, state in cursor.fetchall():
            yield Finding("ending-not-told", f"renewal {renewal}", f"{state}, and no webhook tells its partner")
