# SPDX-License-Identifier: Apache-2.0
"""Whether a session has lately shown whose it is. What only the owner of an account may do asks for that.

Everything that opens an account proves it: a password, a passkey, or a code that was sent. A code for it is counted and
forgotten by allauth's rules for codes.
"""

from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from allauth.account.internal.flows.login import record_authentication
from allauth.core import ratelimit
from django.http import HttpRequest

from tsuzuku.kernel import clock
from tsuzuku.people.addresses import client_address
from tsuzuku.people.errors import TooManyCodes
from tsuzuku.people.models import User
from tsuzuku.people.phones import begin_tries, count_try, send_code, short_code

#: How long a proof counts.
HOLDS = timedelta(minutes=5)
_SESSION_KEY = "proof"
_CODE_SECONDS, _TRIES_MAX = 15 * 60, 3
_PAUSE_SECONDS = 60


def has_proved_lately(request: HttpRequest) -> bool:
    """Whether this session has shown in the last minutes whose it is, by logging in or since."""
    if not isinstance(request.user, User):
        return False
    records = get_authentication_records(request, request.user)
    at = max((float(each["at"]) for each in records), default=0.0)
    return clock.now().timestamp() - at <= HOLDS.total_seconds()


class ProofByCode(AbstractCodeVerificationProcess):
    """A code that is sent to where the account is reached; three wrong ones end it. It is kept in the session."""

    def __init__(self, request: HttpRequest, state: dict[str, object], user: User) -> None:
        self.request, self.owner = request, user
        super().__init__(state=state, timeout=_CODE_SECONDS, max_attempts=_TRIES_MAX, user=user)

    @classmethod
    def begin(cls, request: HttpRequest, user: User) -> None:
        """Sends a code by mail, or by SMS where there is no address. Raises TooManyCodes."""
        if not ratelimit.consume(request, action="request_login_code", key=f"proof:{user.pk}"):
            raise TooManyCodes(retry_after_seconds=_PAUSE_SECONDS)
        process = cls(request, cls.initial_state(user=user), user)
        process.send()
        process.persist()

    @classmethod
    def resume(cls, request: HttpRequest, user: User) -> "ProofByCode | None":
        """The code that is waited for; None if there is none, or it is too old."""
        state = request.session.get(_SESSION_KEY)
        if not state or state.get("user_id") != str(user.pk):
            return None
        process: ProofByCode | None = cls(request, state, user).abort_if_invalid()  # type: ignore[no-untyped-call]  # allauth's
        return process

    def may_try(self) -> bool:
        """Counts a try; whether the code may be compared."""
        return count_try(str(self.state["tries"]), now=clock.now())

    def send(self) -> None:
        self.state["tries"] = begin_tries()
        adapter, user = get_adapter(), self.owner
        if user.email:
            self.state["code"] = adapter.generate_login_code()
            adapter.send_mail("account/email/login_code", user.email, {"code": self.code})
            return
        self.state["code"] = short_code()
        address = client_address(self.request)
        send_code(phone=str(user.phone), code=self.code, address=address, user=user, now=clock.now())

    def persist(self) -> None:
        self.request.session[_SESSION_KEY] = self.state

    def abort(self) -> None:
        self.request.session.pop(_SESSION_KEY, None)

    def finish(self) -> None:
        """The code was right: the session has shown whose it is."""
        self.abort()
        record_authentication(self.request, self.user, method="code", reauthenticated=True)
