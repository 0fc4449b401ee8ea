# SPDX-License-Identifier: Apache-2.0
"""The clients: threads that renew one card after the other until they are told to stop."""

import random
import threading
from pathlib import Path

from tests.faults.browser import NeverAnswered
from tests.faults.errand import Errand, World
from tests.faults.evidence import ClientLog
from tests.faults.installation import card_and_pin


class Traveller:
    """One client, with a log of its own."""

    def __init__(self, index: int, *, seed: str, world: World, logs: Path, closing: threading.Event) -> None:
        self._name = f"{index:02d}"
        self._rng = random.Random(f"{seed}/traveller/{index}")
        self._world = world
        self._log = ClientLog(logs / f"{self._name}.jsonl")
        self._closing = closing
        #: Why it stopped before it was told to, if it did.
        self.problem: Exception | None = None
        self.thread = threading.Thread(target=self._run, name=f"traveller-{self._name}", daemon=True)

    def _run(self) -> None:
        done = 0
        try:
            while not self._closing.is_set():
                card, pin = card_and_pin(self._rng.randrange(self._world.installation.cards))
                done += 1
                # An errand has its own choices, so that they do not depend on how long the one before it took.
                rng = random.Random(self._rng.random())
                Errand(f"{self._name}-{done:04d}", card=card, pin=pin, world=self._world, log=self._log, rng=rng).run()
        except NeverAnswered:
            pass  # The log shows what has not ended.
        except Exception as problem:  # noqa: BLE001  # of a thread: raised again by whoever waits for it
            self.problem = problem
        finally:
            self._log.close()
