# SPDX-License-Identifier: Apache-2.0
"""The base of every fact that rooms write down and others listen to."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, kw_only=True)
class Event:
    """One frozen fact. Subclasses name their `kind` and add fields of plain JSON types: ids, never objects."""

    kind: ClassVar[str]

    #: The card it happened to, where there is one.
    card_id: int | None = None

    def body(self) -> dict[str, Any]:
        """The fields beside the card, as JSON."""
        return {name: value for name, value in vars(self).items() if name != "card_id"}

    @classmethod
    def from_body(cls, *, card_id: int | None, body: dict[str, Any]) -> Self:
        """The event as it was recorded."""
        return cls(card_id=card_id, **body)
