# SPDX-License-Identifier: Apache-2.0
"""Who wants to hear which facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tsuzuku.journal.events import Event

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Heard(Generic[E]):
    """A fact as a listener gets it: the event, its number in the journal, and who did it."""

    fact_id: int
    actor: str
    event: E


@dataclass(frozen=True)
class Listener:
    """`hear` is called with up to 1,000 facts in the transaction that marks them heard; it must not call outside.

    One that is not urgent is not woken for each fact: the sweep finds what waits for it within seconds.
    """

    name: str
    event_type: type[Event]
    hear: Callable[[Sequence[Heard[Any]]], None]
    is_urgent: bool = True


_listeners: dict[str, Listener] = {}


def listen(
    *, name: str, event_type: type[E], hear: Callable[[Sequence[Heard[E]]], None], is_urgent: bool = True
) -> None:
    """Subscribes `hear` under a stable name; called once, when the application starts."""
    if name in _listeners:
        raise ValueError(f"there is already a listener named {name}")
    _listeners[name] = Listener(name, event_type, hear, is_urgent)


def listener(name: str) -> Listener:
    """The listener of that name; KeyError if there is none."""
    return _listeners[name]


def listeners() -> tuple[Listener, ...]:
    """Everybody who listens, in order of subscription."""
    return tuple(_listeners.values())


def listeners_for(kind: str) -> tuple[Listener, ...]:
    """Everybody who wants to hear facts of this kind."""
    return tuple(each for each in _listeners.values() if each.event_type.kind == kind)
