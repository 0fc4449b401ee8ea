# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a request and its answer, on demand."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

from tsuzuku.testing.simulators.server import HangUp, Refusal

T = TypeVar("T")

#: Longer than the adapters wait for an answer, shorter than the carrier needs to settle.
SLOW_SECONDS = 7.0
REFUSED_CODE = "refused-on-demand"


class FaultKind(StrEnum):
    """The ways in which a call can go wrong."""

    #: Does it, then answers after a client has given up.
    SLOW_ANSWER = "slow-answer"
    #: Does it after a client has given up.
    SLOW_APPLY = "slow-apply"
    #: 503; nothing happens.
    FAIL = "fail"
    #: 422 with a code; nothing happens.
    REFUSE = "refuse"
    #: Does it and closes the connection without an answer.
    NO_ANSWER = "no-answer"
    #: Closes the connection without doing or answering anything.
    LOSE = "lose"
    #: Does it and kills its own process.
    DIE = "die"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, with how long or by which code where that matters."""

    kind: FaultKind
    seconds: float = SLOW_SECONDS
    code: str = REFUSED_CODE


class Faults:
    """The faults of the next calls, in order. Not kept when the process ends."""

    def __init__(self) -> None:
        self._faults: deque[Fault] = deque()

    def add(self, asked: object) -> None:
        """Takes a list of names, or of objects with `fault` and `seconds` or `code`. Raises Refusal."""
        if not isinstance(asked, list):
            raise Refusal(HTTPStatus.BAD_REQUEST, "faults-malformed")
        self._faults.extend([_parse(each) for each in asked])

    def play(self, apply: Callable[[], T]) -> T:
        """Calls `apply`, with the next fault around it if there is one. Raises Refusal or HangUp."""
        fault = self._take()
        if fault is None:
            return apply()
        match fault.kind:
            case FaultKind.FAIL:
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable-on-demand")
            case FaultKind.REFUSE:
                raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, fault.code)
            case FaultKind.LOSE:
                raise HangUp
            case FaultKind.SLOW_APPLY:
                time.sleep(fault.seconds)
                return apply()
        done = apply()
        match fault.kind:
            case FaultKind.NO_ANSWER:
                raise HangUp
            case FaultKind.DIE:
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(fault.seconds)
        return done

    def _take(self) -> Fault | None:
        try:
            return self._faults.popleft()
        except IndexError:
            return None


def _parse(asked: object) -> Fault:
    named: dict[str, Any] = asked if isinstance(asked, dict) else {"fault": asked}
    try:
        return Fault(
            FaultKind(named["fault"]),
            seconds=float(named.get("seconds", SLOW_SECONDS)),
            code=str(named.get("code", REFUSED_CODE)),
        )
    except (KeyError, TypeError, ValueError):
        raise Refusal(HTTPStatus.BAD_REQUEST, "faults-malformed") from None
