# SPDX-License-Identifier: Apache-2.0
"""Things of one kind by name: how a room finds the adapter that `project` chose for it."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Registry(Generic[K, V]):
    """Filled once, when the application starts; `subject` names what it holds in messages."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._entries: dict[K, V] = {}

    def register(self, name: K, entry: V) -> None:
        """Makes an entry known. Raises ValueError if the name is taken."""
        if name in self._entries:
            raise ValueError(f"there is already a {self._subject} named {name}")
        self._entries[name] = entry

    def __getitem__(self, name: K) -> V:
        try:
            return self._entries[name]
        except KeyError:
            raise KeyError(f"there is no {self._subject} named {name}") from None

    def all(self) -> dict[K, V]:
        """Every entry by its name, in order of registration."""
        return dict(self._entries)

    @contextmanager
    def using(self, name: K, entry: V) -> Iterator[None]:
        """Puts an entry under a name for a while, in place of the one that may be there. For tests."""
        before = dict(self._entries)
        self._entries[name] = entry
        try:
            yield
        finally:
            self._entries.clear()
            self._entries.update(before)
