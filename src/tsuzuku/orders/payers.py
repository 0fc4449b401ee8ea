# SPDX-License-Identifier: Apache-2.0
"""Orders of people who hold no card: they followed a link that a holder passed on, and see nothing of the card."""

from typing import Final

from tsuzuku.orders.models import Order

_FRIEND: Final = "friend:"


def friend_actor(link_id: int) -> str:
    """Whoever follows a link, as facts name them."""
    return f"{_FRIEND}{link_id}"


def link_of_friend(order: Order) -> int | None:
    """The link that led to an order; None if it was placed by somebody who may see its card."""
    return int(order.actor.removeprefix(_FRIEND)) if order.actor.startswith(_FRIEND) else None
