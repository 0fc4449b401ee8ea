# SPDX-License-Identifier: Apache-2.0
"""Who does what comes by itself in a provider's books, and sends the webhooks that they owe."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Protocol

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.deliveries import Delivery

_SENDS_AT_ONCE = 8
#: Nothing that is due waits longer than this, even if it was missed.
_LOOK_AGAIN_SECONDS = 5.0


class OwingBooks(Protocol):
    """Books as the clerk needs them; called under their lock."""

    webhook_url: str

    def due_deliveries(self, *, now: datetime) -> Sequence[Delivery]:
        """The webhooks to be sent now, oldest first."""

    def delivered(self, delivery: Delivery) -> None:
        """The merchant has taken a webhook."""

    def not_delivered(self, delivery: Delivery, *, now: datetime) -> None:
        """The merchant has not taken a webhook; it is owed for later."""


class Clerk:
    """Works in a thread of its own. `changed` is the books' lock, and is notified when there may be something to do."""

    def __init__(
        self,
        changed: threading.Condition,
        books: OwingBooks,
        *,
        go_on: Callable[[datetime], None],
        next_at: Callable[[], datetime | None],
        send: Callable[[Mapping[str, Any], str], bool],
    ) -> None:
        self._changed = changed
        self._books = books
        self._go_on = go_on
        self._next_at = next_at
        self._send = send
        self._is_closing = False
        self._under_way: set[str] = set()
        self._senders = ThreadPoolExecutor(_SENDS_AT_ONCE, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def close(self) -> None:
        """Returns when nothing is being done or sent any more."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._senders.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        """Does what comes by itself, and has owed webhooks sent, each by one sender at a time."""
        with self._changed:
            while not self._is_closing:
                now = clock.now()
                self._go_on(now)
                for delivery in self._books.due_deliveries(now=now):
                    if delivery.id not in self._under_way:
                        self._under_way.add(delivery.id)
                        self._senders.submit(self._deliver, delivery, self._books.webhook_url)
                self._changed.wait(self._seconds_to_wait())

    def _seconds_to_wait(self) -> float:
        """Until something is due. What is under way has been due already, and notifies when it ends."""
        if self._under_way:
            return 0.2
        next_at = self._next_at()
        if next_at is None:
            return _LOOK_AGAIN_SECONDS
        return min(max((next_at - clock.now()).total_seconds(), 0.01), _LOOK_AGAIN_SECONDS)

    def _deliver(self, delivery: Delivery, url: str) -> None:
        is_taken = self._send(delivery.event, url)
        with self._changed:
            self._under_way.discard(delivery.id)
            self._changed.notify_all()
            if is_taken:
                self._books.delivered(delivery)
            else:
                self._books.not_delivered(delivery, now=clock.now())
