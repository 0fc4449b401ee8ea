# SPDX-License-Identifier: Apache-2.0
"""Whose key a call brings, what that key may do, and how often. Asked of the database every time, in batches.

So a revoked key is refused at once, and no call writes a row: how many calls a key has left in this second is counted
in the process.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import Final, Generic, TypeVar

from tsuzuku.channels.partner_api.http import Problem, retry_after
from tsuzuku.channels.partner_api.request import Request
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.sellers.queries import Caller, callers, key_digest

Asked = TypeVar("Asked")
Result = TypeVar("Result")
_SCHEME: Final = b"bearer "
#: A key is far shorter; what is longer is not worth a digest.
_HEADER_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Call(Generic[Asked]):
    """A call as it waits for its batch: the digest of its key, the scope it needs, and what it asks.

    What could not be understood is a Problem, which only a known caller gets to hear.
    """

    digest: bytes | None
    scope: str
    asked: Asked | Problem


def digest_of(request: Request) -> bytes | None:
    """The digest of the key that a request brings, or None."""
    header = request.headers.get(b"authorization", b"")
    if len(header) > _HEADER_MAX or header[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return key_digest(header[len(_SCHEME) :].strip().decode("latin-1"))


def admitted(
    work: Callable[[Sequence[tuple[Caller, Asked]]], Sequence[Result | Problem]],
) -> Callable[[Sequence[Call[Asked]]], list[Result | Problem]]:
    """Work that only the calls get to which are allowed; the others get their problem in their place."""

    def admit_and_work(calls: Sequence[Call[Asked]]) -> list[Result | Problem]:
        known = callers({call.digest for call in calls if call.digest is not None})
        answers: list[Result | Problem | None] = [None] * len(calls)
        admitted_calls: list[tuple[Caller, Asked]] = []
        places: list[int] = []
        for place, call in enumerate(calls):
            try:
                caller = _admit(call, known)
            except Problem as problem:
                answers[place] = problem
                continue
            if isinstance(call.asked, Problem):
                answers[place] = call.asked
                continue
            admitted_calls.append((caller, call.asked))
            places.append(place)
        if admitted_calls:
            for place, answer in zip(places, work(admitted_calls), strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    return admit_and_work


async def admitted_alone(
    threads: Threads, request: Request, *, scope: str, asked: Asked, work: Callable[[Caller, Asked], Result]
) -> Result:
    """What the work makes of a call that need not be gathered with others. Raises Problem, and what the work raises."""

    def work_off(calls: Sequence[tuple[Caller, Asked]]) -> list[Result | Problem]:
        return [work(caller, asked) for caller, asked in calls]

    (result,) = await threads.run(admitted(work_off), [Call(digest_of(request), scope, asked)])
    if isinstance(result, Problem):
        raise result
    return result


def _admit(call: Call[Asked], known: Mapping[bytes, Caller]) -> Caller:
    caller = known.get(call.digest) if call.digest is not None else None
    if caller is None:
        raise Problem("key-unknown", headers=((b"www-authenticate", b"Bearer"),))
    if call.scope not in caller.scopes:
        raise Problem("scope-missing", detail=f"It lacks the scope {call.scope}.")
    if wait := _pace.wait_seconds(caller.key_id, caller.calls_per_second, now=time.monotonic()):
        raise Problem("rate-limited", headers=retry_after(ceil(wait)))
    return caller


class Pace:
    """A bucket of calls for each key, a second's worth deep, filled evenly. Each web process has its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._buckets: dict[int, tuple[float, float]] = {}

    def wait_seconds(self, key_id: int, calls_per_second: int, *, now: float) -> float:
        """Takes one call out and returns 0, or how many seconds to wait for the next."""
        with self._lock:
            left, since = self._buckets.get(key_id, (float(calls_per_second), now))
            left = min(left + (now - since) * calls_per_second, float(calls_per_second))
            if left < 1:
                self._buckets[key_id] = (left, now)
                return (1 - left) / calls_per_second
            self._buckets[key_id] = (left - 1, now)
            return 0.0


_pace = Pace()
