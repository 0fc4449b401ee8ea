# SPDX-License-Identifier: Apache-2.0
"""What must always hold of new cards."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: A new card is its buyer's if and only if its first plan is active; it waits as long as that does, and is given up
#: with it. What the renewal became is on its way to the listener that says so here.
_STATES_DIFFER = """
    SELECT o.number, n.state, o.state, r.state
      FROM new_cards_newcard AS n
      JOIN orders_order AS o ON o.id = n.order_id
      LEFT JOIN renewals_renewal AS r ON r.order_id = n.order_id AND r.card_id = n.card_id
     WHERE (r.id IS NULL
            OR n.state <> ALL (CASE r.state WHEN 'active' THEN ARRAY['ready']
                                            WHEN 'withdrawn' THEN ARRAY['released', 'retired']
                                            ELSE ARRAY['reserved'] END)
            OR n.state = 'released' AND o.state <> 'cancelled')
       AND NOT (n.state = 'reserved' AND EXISTS (
           SELECT FROM journal_delivery AS d JOIN journal_fact AS f ON f.id = ANY(d.fact_ids)
            WHERE d.listener IN ('new cards get ready', 'new cards are given up')
              AND (f.body ->> 'renewal_id')::bigint = r.id))
     ORDER BY n.id
"""

#: A card stands on the shelf if and only if nobody has it or may still pay for it.
_SHELF_DIFFERS = """
    SELECT shelf.card_id, shelf.is_available, n.state
      FROM new_cards_shelvedcard AS shelf
      LEFT JOIN new_cards_newcard AS n ON n.card_id = shelf.card_id AND n.state <> 'released'
     WHERE shelf.is_available = (n.id IS NOT NULL)
     ORDER BY shelf.card_id
"""

#: An order that was not paid in time and had a card put aside gives it back at once.
_TIMED_OUT_FORGOTTEN = """
    SELECT o.number, r.state
      FROM orders_order AS o
      JOIN renewals_renewal AS r ON r.order_id = o.id
     WHERE o.is_cancelled_when_over AND o.state = 'cancelled' AND r.state <> 'withdrawn'
       AND NOT EXISTS (
           SELECT FROM journal_delivery AS d JOIN journal_fact AS f ON f.id = ANY(d.fact_ids)
            WHERE d.listener IN ('renewals withdraw timed-out orders', 'renewals withdraw returned orders')
              AND (f.body ->> 'order_id')::bigint = o.id)
     ORDER BY o.id
"""


#: A parcel waits as long as its card does, and is withdrawn with it.
_PARCEL_DIFFERS = """
    SELECT o.number, p.state, n.state
      FROM new_cards_parcel AS p
      JOIN new_cards_newcard AS n ON n.id = p.new_card_id
      JOIN orders_order AS o ON o.id = n.order_id
     WHERE (p.state = 'waiting') <> (n.state = 'reserved')
        OR n.state IN ('released', 'retired') AND p.state <> 'withdrawn'
     ORDER BY p.id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES_DIFFER)
        for number, state, order_state, renewal_state in cursor.fetchall():
            detail = f"{state}, order {order_state}, renewal {renewal_state}"
            yield Finding("new-card-and-renewal-differ", f"order {number}", detail)
        cursor.execute(_SHELF_DIFFERS)
        for card, is_available, state in cursor.fetchall():
            detail = f"{'on' if is_available else 'off'} the shelf, {state or 'ordered by nobody'}"
            yield Finding("shelf-differs", f"card {card}", detail)
        cursor.execute(_PARCEL_DIFFERS)
        for number, state, card_state in cursor.fetchall():
            yield Finding("parcel-and-new-card-differ", f"order {number}", f"parcel {state}, card {card_state}")
        cursor.execute(_TIMED_OUT_FORGOTTEN)
        for number, state in cursor.fetchall():
            yield Finding("timed-out-order-forgotten", f"order {number}", f"over, and its renewal is {state}")
