# SPDX-License-Identifier: Apache-2.0
"""The statement that picks webhooks to send, so that no partner's backlog is in front of another's."""

#: The few longest due of each partner whose address is not being left alone, the first of each before the second of
#: any; held ones are somebody else's.
DUE_OF_EACH_PARTNER = """
    SELECT due.id, partner.id, partner.webhook_silent_since IS NOT NULL
      FROM sellers_partner AS partner
     CROSS JOIN LATERAL (
           SELECT id, next_attempt_at, row_number() OVER (ORDER BY next_attempt_at, id) AS place
             FROM sellers_webhookdelivery AS delivery
            WHERE delivery.partner_id = partner.id
              AND delivery.next_attempt_at <= %(now)s::timestamptz
              AND (delivery.lease_until IS NULL OR delivery.lease_until <= %(now)s::timestamptz)
            ORDER BY next_attempt_at, id
            LIMIT %(of_each)s::int) AS due
     WHERE partner.webhook_url <> ''
       AND (partner.webhook_paused_until IS NULL OR partner.webhook_paused_until <= %(now)s::timestamptz)
     ORDER BY due.place, due.next_attempt_at, due.id
"""
