# SPDX-License-Identifier: Apache-2.0
"""How KOMOJU speaks: errors as objects, ids in lower case, moments in UTC."""

import secrets
import string
from datetime import UTC, datetime
from http import HTTPStatus

from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.server import Refusal, Response, answer_json

_LETTERS = string.ascii_lowercase + string.digits


class KomojuRefusal(Refusal):
    """Answered with KOMOJU's error object."""

    def __init__(
        self, code: str, message: str, *, status: int = HTTPStatus.UNPROCESSABLE_ENTITY, param: str | None = None
    ) -> None:
        super().__init__(status, code)
        self.body = _error(code, message, param)


def refused(refusal: Refusal) -> Response:
    """The answer to a call that was refused, in KOMOJU's form whoever refused it."""
    if isinstance(refusal, KomojuRefusal):
        return answer_json(refusal.body, status=refusal.status)
    return answer_json(_error(refusal.code, "Refused on demand.", None), status=refusal.status)


def not_found() -> KomojuRefusal:
    """For an id that names nothing."""
    return KomojuRefusal("not_found", "The requested resource could not be found.", status=HTTPStatus.NOT_FOUND)


def invalid(param: str) -> KomojuRefusal:
    """For a field that is missing, or not what it should be."""
    return KomojuRefusal("invalid_parameter", f"{param} is invalid", param=param)


def new_id() -> str:
    """Not to be guessed: whoever knows a session's may open its page."""
    return "".join(secrets.choice(_LETTERS) for _ in range(25))


def moment(at: datetime) -> str:
    """A moment as KOMOJU writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(code: str, message: str, param: str | None) -> Json:
    return {"error": {"code": code, "message": message, "param": param, "details": {}}}
