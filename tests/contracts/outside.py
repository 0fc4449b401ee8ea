# SPDX-License-Identifier: Apache-2.0
"""A simulator of a payment provider as the contracts want to hold it."""

import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from tsuzuku.testing.contracts.payment_provider import Webhook
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver
from tsuzuku.testing.simulators.faults import FaultKind
from tsuzuku.testing.simulators.merchant_secrets import control_headers

_FAULTS = {
    Outcome.REFUSED: FaultKind.REFUSE,
    Outcome.UNAVAILABLE: FaultKind.FAIL,
    Outcome.DONE_UNANSWERED: FaultKind.NO_ANSWER,
    Outcome.LOST: FaultKind.LOSE,
}


class SimulatorOutside:
    """What all simulators are told in the same way; each provider's adds its payers and their banks."""

    takes_twice = False
    #: A kind of webhook that the provider has and the adapter does not know.
    something_else: ClassVar[str]
    #: What it is told whenever it begins: refunds wait until a test ends them.
    beginning: ClassVar[Mapping[str, object]] = {}

    def __init__(self, process: SandboxProcess, receiver: WebhookReceiver) -> None:
        self.process = process
        self.receiver = receiver

    def told(self, path: str, **fields: object) -> dict[str, Any]:
        """Tells it what happens outside; what it answers."""
        return self.process.post(path, fields, **control_headers(self.process.folder))

    def control(self, **fields: object) -> dict[str, Any]:
        return self.told("/control", **fields)

    def audit(self) -> dict[str, Any]:
        return self.process.get("/audit", **control_headers(self.process.folder))

    def secrets(self) -> dict[str, Any]:
        """What it shares with its merchant, where that is more than one word."""
        found: dict[str, Any] = json.loads((self.process.folder / "secrets.json").read_text())
        return found

    def next_call(self, outcome: Outcome) -> None:
        self.control(next_calls=[_FAULTS[outcome]])

    def fail_next_lookup(self) -> None:
        self.control(next_lookups=["lose"])

    def stop(self) -> None:
        self.process.kill()

    def start(self) -> None:
        self.process.start()
        self._begin()

    def begin_anew(self) -> None:
        """What a test before has left is told and forgotten."""
        self.end_refunds()
        while self.audit()["owed_deliveries"]:
            time.sleep(0.02)
        self.receiver.forget()
        self._begin()

    def _begin(self) -> None:
        if self.beginning:
            self.control(**self.beginning)

    def end_refunds(self) -> None:
        self.control(end_refunds=True)

    def webhooks(self, count: int = 1) -> list[Webhook]:
        """As many as asked for, without what says nothing new."""
        found: list[Webhook] = []
        while len(found) < count:
            found += [webhook for webhook in self.receiver.take() if self.says_something(webhook[1])]
        return found

    def says_something(self, body: bytes) -> bool:
        return True

    def deliver_again(self, event_id: str) -> None:
        self.control(redeliver={"event": event_id})

    def tell_something_else(self) -> None:
        self.control(emit=self.something_else)

    def change_secret(self) -> None:
        self.control(rotate_webhook_secret=True)
