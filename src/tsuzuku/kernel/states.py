# SPDX-License-Identifier: Apache-2.0
"""States and the moves between them, as data that checks itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from tsuzuku.kernel.errors import DomainError


class MoveNotAllowed(DomainError):
    """The thing is in a state from which this move does not exist; particulars: subject, source, target."""

    code = "move-not-allowed"


@dataclass(frozen=True)
class States:
    """The allowed moves of one subject: for each state the states that may follow it. An empty set ends a life."""

    subject: str
    initial: str
    moves: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        unknown = {target for targets in self.moves.values() for target in targets} - set(self.moves)
        if unknown or self.initial not in self.moves:
            raise ValueError(f"{self.subject}: states without a row of moves: {sorted(unknown) or self.initial}")

    def can_move(self, source: str, target: str) -> bool:
        """Whether `source` may become `target`."""
        return target in self.moves[source]

    def check_move(self, source: str, target: str) -> None:
        """Raises MoveNotAllowed unless `source` may become `target`."""
        if not self.can_move(source, target):
            raise MoveNotAllowed(subject=self.subject, source=source, target=target)
