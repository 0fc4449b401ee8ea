# SPDX-License-Identifier: Apache-2.0
"""The statements of selling many renewals at once, each over one array for every column."""

#: What was answered to these keys of these cards.
ANSWERED = """
    SELECT renewal.card_id, renewal.actor, renewal.key, plan.code, orders.number, orders.amount_minor, orders.currency,
           renewal.told_state, renewal.told_remaining_bytes, renewal.told_online_until
      FROM unnest(%(cards)s::bigint[], %(actors)s::text[], %(keys)s::text[]) AS asked(card_id, actor, key)
      JOIN renewals_renewal AS renewal USING (card_id, actor, key)
      JOIN orders_order AS orders ON orders.id = renewal.order_id
      JOIN catalog_plan AS plan ON plan.id = renewal.plan_id
"""

#: Renewals that are active from the start (`credited_at`), with their move, or wait for their carrier
#: (`next_attempt_at`).
INSERT = """
    WITH sold AS (
        INSERT INTO renewals_renewal (
               card_id, order_id, plan_id, terms_id, actor, key, inputs_hash, reference,
               state, credited_at, next_attempt_at, told_state, told_remaining_bytes, told_online_until,
               carrier_reference, refusal, created_at, settled_at)
        SELECT new.*, '', '', %(now)s::timestamptz, %(now)s::timestamptz
          FROM unnest(%(cards)s::bigint[], %(orders)s::bigint[], %(plans)s::bigint[], %(terms)s::bigint[],
                      %(actors)s::text[], %(keys)s::text[], %(hashes)s::text[], %(references)s::uuid[],
                      %(states)s::text[], %(credited)s::timestamptz[], %(next)s::timestamptz[],
                      %(told)s::text[], %(remaining)s::bigint[], %(until)s::timestamptz[]) AS new
        RETURNING id, order_id, state
    ), moved AS (
        INSERT INTO renewals_renewalmove (renewal_id, source, target, reason, actor, at)
        SELECT id, 'ordered', state, '', 'system', %(now)s::timestamptz FROM sold WHERE state = 'active'
    )
    SELECT order_id, id FROM sold
"""
