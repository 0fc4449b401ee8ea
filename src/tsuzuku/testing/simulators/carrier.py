# SPDX-License-Identifier: Apache-2.0
"""A carrier that credits what it is asked to, again if it is asked again, and remembers it.

POST /activations               {"reference", "iccid", "plan_code", "terms"} → 201 with the activation
GET  /cards/{iccid}/activations → {"activations": [...]}, oldest first
POST /control                   {"mode", "delay_seconds", "next": [faults], "next_history": [faults]}
GET  /audit                     → {"activations": [...]}, of all cards

A request says when it was sent in `Request-Time` (RFC 3339) and is not applied when that is longer ago than
`settles_within_seconds`: that is the promise by which a client may take a request for lost.
"""

import threading
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.journal import Journal
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json

#: What remains of the promise after the delay that was asked for.
MARGIN_SECONDS = 10
DELAY_SECONDS_MAX = 60.0


class Mode(StrEnum):
    """How the carrier behaves; the adapter reads it from the address file."""

    #: Nobody calls: what the brand books is credited.
    INSTANT = "instant"
    #: Credits when called, after the delay.
    LATER = "later"
    #: Refuses every activation.
    REFUSE = "refuse"


class CarrierSandbox(Sandbox):
    """The carrier's state: its history, on disk before anybody hears of it."""

    name = "carrier-sandbox"

    def __init__(self, folder: Path, *, mode: Mode = Mode.INSTANT, delay_seconds: float = 0.0) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._mode = mode
        self._delay_seconds = delay_seconds
        self._faults = Faults()
        self._history_faults = Faults()
        self._journal = Journal(folder / "history.jsonl")
        self._activations: list[dict[str, Any]] = []
        self._by_card: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in self._journal.read():
            self._remember(record)

    def start(self) -> None:
        """Nothing happens here by itself."""

    def close(self) -> None:
        with self._lock:
            self._journal.close()

    def address(self) -> dict[str, object]:
        return {"mode": self._mode.value, "settles_within_seconds": self._settles_within_seconds}

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", ("activations",):
                return self._activate(request)
            case "GET", ("cards", iccid, "activations"):
                return self._history_faults.play(lambda: self._history(iccid))
            case "POST", ("control",):
                return self._control(request.fields())
            case "GET", ("audit",):
                with self._lock:
                    return answer_json({"activations": self._activations})
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    @property
    def _settles_within_seconds(self) -> int:
        return MARGIN_SECONDS + round(self._delay_seconds)

    def _activate(self, request: Request) -> Response:
        fields = request.fields()
        wanted = {name: fields.get(name) for name in ("reference", "iccid", "plan_code")}
        if not all(isinstance(value, str) and 0 < len(value) <= 255 for value in wanted.values()):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "activation-malformed")
        wanted["terms"] = fields.get("terms")
        sent_at, promised = _sent_at(request), self._settles_within_seconds
        if self._mode is Mode.REFUSE:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "sandbox-refuses")
        return self._faults.play(lambda: self._apply(wanted, sent_at=sent_at, promised=promised))

    def _apply(self, wanted: dict[str, Any], *, sent_at: datetime, promised: int) -> Response:
        time.sleep(self._delay_seconds)
        with self._lock:
            now = clock.now()
            # The delay may have been changed meanwhile; the shorter promise is the one that somebody may rely on.
            if now > sent_at + timedelta(seconds=min(promised, self._settles_within_seconds)):
                raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "request-too-old")
            number = f"A{len(self._activations) + 1:08d}"
            record = {"id": number, **wanted, "credited_at": now.isoformat()}
            self._journal.append(record)
            self._remember(record)
        return answer_json(record, status=HTTPStatus.CREATED)

    def _remember(self, record: dict[str, Any]) -> None:
        self._activations.append(record)
        self._by_card[record["iccid"]].append(record)

    def _history(self, iccid: str) -> Response:
        with self._lock:
            return answer_json({"activations": self._by_card.get(iccid, [])})

    def _control(self, fields: dict[str, Any]) -> Response:
        try:
            mode = Mode(fields.get("mode", self._mode))
            delay_seconds = float(fields.get("delay_seconds", self._delay_seconds))
        except (TypeError, ValueError):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "control-malformed") from None
        if not 0 <= delay_seconds <= DELAY_SECONDS_MAX:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "control-malformed")
        self._faults.add(fields.get("next", []))
        self._history_faults.add(fields.get("next_history", []))
        with self._lock:
            self._mode, self._delay_seconds = mode, delay_seconds
            self.announce()
        return answer_json(self.address())


def _sent_at(request: Request) -> datetime:
    """When the request was sent: by its own word, else now."""
    if (text := request.headers.get("request-time")) is None:
        return clock.now()
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "request-time-malformed") from None
