# SPDX-License-Identifier: Apache-2.0
"""Chores: named pieces of background work that find their own rows; waking one only says "look now".

A wake-up is sent after the commit (docs/decisions/0003); one that is lost is found by the sweep, a doubled one finds
nothing to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db import transaction


@dataclass(frozen=True)
class Chore:
    """`run` works off what is due and returns how many rows it took; `is_due` says whether anything waits."""

    name: str
    run: Callable[[], int]
    is_due: Callable[[datetime], bool]


_chores: dict[str, Chore] = {}
_deferrals: list[Callable[[str], None]] = []


def register_chore(*, name: str, run: Callable[[], int], is_due: Callable[[datetime], bool]) -> None:
    """Makes a chore known, once, when the application starts."""
    if name in _chores:
        raise ValueError(f"there is already a chore named {name}")
    _chores[name] = Chore(name, run, is_due)


def chore(name: str) -> Chore:
    """The chore of that name; KeyError if there is none."""
    return _chores[name]


def chores() -> tuple[Chore, ...]:
    """All chores, in order of registration."""
    return tuple(_chores.values())


def wake_with(defer: Callable[[str], None]) -> None:
    """Sets how a wake-up is sent; called once by `jobs`, which knows the queue."""
    _deferrals[:] = [defer]


def wake(name: str) -> None:
    """Asks for a look at a chore as soon as the current transaction has committed; once, however often it is called.

    A wake-up that cannot be sent is logged and leaves it to the sweep: what was committed has succeeded.
    """
    send = _sender(name)
    if all(waiting is not send for _, waiting, *_ in transaction.get_connection().run_on_commit):
        transaction.on_commit(send, robust=True)


@cache
def _sender(name: str) -> Callable[[], None]:
    """One function for each chore, by which it is known again. No `partial`: Django's log wants its `__qualname__`."""

    def send() -> None:
        for defer in _deferrals:
            defer(name)

    return send
