# SPDX-License-Identifier: Apache-2.0
"""Orders of people who pay for a card that is not theirs, and see nothing of it: friends of whoever has it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tsuzuku.orders.models import Order

#: What the actors of all friends begin with.
FRIENDS: Final = "friend:"


class Came(StrEnum):
    """How a friend came to pay."""

    #: By a link that a reminder brought to a holder, who may follow it themselves.
    REMINDER = "reminder"
    #: By a link that was made for friends.
    LINK = "link"
    #: By the card's number alone.
    NUMBER = "card"


#: Who comes so is somebody else than who has the card: their order is their own affair.
GIVING: Final = frozenset({Came.LINK, Came.NUMBER})


@dataclass(frozen=True, slots=True)
class Friend:
    """Somebody who pays for a card that is not theirs; `id` is of the reminder, the friend link or the card."""

    came: Came
    id: int

    @property
    def actor(self) -> str:
        """As facts name them, such as friend:link-7."""
        return f"{FRIENDS}{self.came}-{self.id}"

    @property
    def is_giver(self) -> bool:
        """Whether they are surely somebody else than who has the card."""
        return self.came in GIVING


def friend_of(order: Order) -> Friend | None:
    """The friend who placed an order; None if it was placed by somebody who may see its card."""
    return friend_of_actor(order.actor)


def friend_of_actor(actor: str) -> Friend | None:
    """The friend that an actor names."""
    if not actor.startswith(FRIENDS):
        return None
    came, _, number = actor.removeprefix(FRIENDS).partition("-")
    return Friend(Came(came), int(number))
