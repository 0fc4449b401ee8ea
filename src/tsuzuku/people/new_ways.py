# SPDX-License-Identifier: Apache-2.0
"""A number or an address that a code has yet to show to be somebody's: to come in with, or to add to an account.

A code is always sent, whoever has the number or address, so that the answer tells nothing; what it opens is decided
once it was typed in. Three wrong ones end it: they are counted in a row, while the code is
kept in the session, with what it was sent for.
"""

from typing import Final, Literal

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from tsuzuku.kernel import clock
from tsuzuku.people.addresses import client_address
from tsuzuku.people.errors import TooManyCodes, WayInTaken
from tsuzuku.people.models import User
from tsuzuku.people.phones import begin_tries, count_try, send_code, short_code

ENTER: Final = "enter"
PHONE: Final = "phone"
EMAIL: Final = "email"
Purpose = Literal["enter", "phone", "email"]

_CODE_SECONDS, _TRIES_MAX = 15 * 60, 3
_MAIL_PAUSE_SECONDS = 60


class NewWay(AbstractCodeVerificationProcess):
    """A code that is waited for."""

    def __init__(self, request: HttpRequest, state: dict[str, object], purpose: Purpose) -> None:
        self.request, self.purpose = request, purpose
        super().__init__(state=state, timeout=_CODE_SECONDS, max_attempts=_TRIES_MAX)

    @classmethod
    def begin(cls, request: HttpRequest, purpose: Purpose, where: str) -> None:
        """Sends a code to a number or an address. Raises TooManyCodes."""
        user = request.user if isinstance(request.user, User) else None
        state = cls.initial_state(user=user, **({"email": where} if purpose == EMAIL else {"phone": where}))
        process = cls(request, state, purpose)
        process.send()
        process.persist()

    @classmethod
    def resume(cls, request: HttpRequest, purpose: Purpose) -> "NewWay | None":
        """The code that is waited for; None if there is none, it is too old, or it was asked for by another account."""
        state = request.session.get(_key(purpose))
        if not state or state.get("user_id") != (str(request.user.pk) if request.user.is_authenticated else None):
            return None
        process: NewWay | None = cls(request, state, purpose).abort_if_invalid()  # type: ignore[no-untyped-call]  # allauth's
        return process

    @property
    def where(self) -> str:
        """The number or the address."""
        return str(self.state.get("phone") or self.state["email"])

    def may_try(self) -> bool:
        """Counts a try; whether the code may be compared. The last one that may ends it, if it is wrong."""
        return count_try(str(self.state["tries"]), now=clock.now())

    def send(self) -> None:
        self.state["tries"] = begin_tries()
        user = self.request.user if isinstance(self.request.user, User) else None
        if self.purpose == EMAIL:
            if not ratelimit.consume(self.request, action="request_login_code", key=self.where):
                raise TooManyCodes(retry_after_seconds=_MAIL_PAUSE_SECONDS)
            self.state["code"] = get_adapter().generate_login_code()
            get_adapter().send_mail("account/email/login_code", self.where, {"code": self.code})
            return
        self.state["code"] = short_code()
        address = client_address(self.request)
        send_code(phone=self.where, code=self.code, address=address, user=user, now=clock.now())

    def persist(self) -> None:
        self.request.session[_key(self.purpose)] = self.state

    def abort(self) -> None:
        self.request.session.pop(_key(self.purpose), None)


def set_email(*, user: User, email: str) -> None:
    """Gives an account an address in place of its own, once its code was typed in. Raises WayInTaken.

    Whoever registered it without ever confirming it has to give it up.
    """
    never_confirmed = User.objects.filter(email=email, last_login=None, phone=None, is_staff=False, is_active=True)
    try:
        with transaction.atomic():
            never_confirmed.exclude(
                pk__in=EmailAddress.objects.filter(email=email, verified=True).values("user_id")
            ).delete()
            user.email = email
            user.save(update_fields=["email"])
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    except IntegrityError:
        user.refresh_from_db(fields=["email"])
        raise WayInTaken from None


def _key(purpose: Purpose) -> str:
    return f"new-way:{purpose}"
