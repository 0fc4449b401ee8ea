# SPDX-License-Identifier: Apache-2.0
"""allauth's hooks: our words, our mails, our idea of an address and of a safe way back.

Written for allauth 65; its templates are not used, so its upgrades cannot change what people read.
"""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.forms import BaseForm, CharField, Field
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel import clock
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.people.addresses import client_address
from tsuzuku.people.browsers import end_other_browsers
from tsuzuku.people.events import StaffLoggedIn
from tsuzuku.people.models import User
from tsuzuku.people.phone_numbers import possible_numbers
from tsuzuku.people.phones import send_notice, user_by_number
from tsuzuku.people.proof import has_proved_lately
from tsuzuku.people.redirects import is_own_path
from tsuzuku.people.staff import staff_actor

#: allauth's name of a mail, and our template of it: the first line is the subject.
MAILS = {
    "account/email/email_confirmation": "people/mail/verify_address.txt",
    "account/email/email_confirmation_signup": "people/mail/verify_address.txt",
    "account/email/account_already_exists": "people/mail/account_exists.txt",
    "account/email/unknown_account": "people/mail/account_unknown.txt",
    "account/email/password_reset_code": "people/mail/reset_password.txt",
    "account/email/password_reset": "people/mail/password_changed.txt",
    "account/email/password_changed": "people/mail/password_changed.txt",
    "account/email/login_code": "people/mail/verify_address.txt",
    "people/ways_in_changed": "people/mail/ways_in_changed.txt",
    "mfa/email/totp_activated": "people/mail/second_factor.txt",
    "mfa/email/recovery_codes_generated": "people/mail/second_factor.txt",
}

#: What is said of what allauth did; it does more than people want to hear of.
NOTICES = {
    "account/messages/password_changed.txt": _("Your new password is saved."),
    "account/messages/email_confirmed.txt": _("Your e-mail address is confirmed."),
}


class AccountAdapter(DefaultAccountAdapter):
    """Named in the settings as ACCOUNT_ADAPTER."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "email_password_mismatch": _("E-mail address and password do not match."),
        "phone_password_mismatch": _("Phone number and password do not match."),
        # What is neither an address nor short enough for a number.
        "username_password_mismatch": _("Phone number and password do not match."),
        "too_many_login_attempts": _("Too many wrong tries. Please wait five minutes, then try again."),
        "incorrect_code": _("This is not the code that we sent. Look at the latest mail."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This is not your current password."),
        "email_taken": _("There is an account with this e-mail address already. Log in instead."),
        "rate_limited": _("We have just sent a mail. Please wait a moment before you ask for another."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def phone_form_field(self, **options: Any) -> Field:  # noqa: ANN401  # allauth's
        return CharField(max_length=40, **options)

    def get_phone(self, user: AbstractBaseUser) -> tuple[str, bool] | None:
        return (user.phone, True) if isinstance(user, User) and user.phone else None

    def get_user_by_phone(self, phone: str) -> User | None:
        """Who logs in with a number as it was typed: with its country, or with that of any country offered."""
        return user_by_number(phone)

    def get_login_stages(self) -> list[str]:
        known = "allauth.account.stages.EmailVerificationStage"
        return [
            "tsuzuku.people.login_stages.AddressStage" if path == known else path for path in super().get_login_stages()
        ]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:  # noqa: ANN401  # allauth's
        # allauth would count wrong passwords for all phones as one.
        typed = credentials.get("phone") or ""
        phone = ",".join(possible_numbers(typed, regions=settings.PHONE_COUNTRIES)) or typed
        return f"login:{(credentials.get('email') or phone).lower()}"

    def is_safe_url(self, url: str) -> bool:
        return is_own_path(url)

    def is_reauthentication_required(self, *, app: str, **details: Any) -> bool:  # noqa: ANN401  # allauth's
        """Who has just logged in need not say once more who they are."""
        return not has_proved_lately(self.request)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """A new password ends every other login: perhaps it was chosen because of one of them."""
        super().set_password(user, password)
        if isinstance(user, User):
            end_other_browsers(user=user, session_key=self.request.session.session_key)

    def save_user(
        self, request: HttpRequest, user: AbstractBaseUser, form: BaseForm, commit: bool = True
    ) -> AbstractBaseUser:
        if isinstance(user, User):
            user.language = get_language() or settings.LANGUAGE_CODE
        return super().save_user(request, user, form, commit)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **details: Any) -> HttpResponse:  # noqa: ANN401  # allauth's
        response = super().post_login(request, user, **details)
        if isinstance(user, User) and user.is_staff:
            logged_in = StaffLoggedIn(subject=staff_actor(user), address=client_address(request))
            with transaction.atomic():
                record_facts([logged_in], actor=staff_actor(user), now=clock.now())
        if isinstance(user, User) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            remember_language(response, user.language)
        return response

    def add_message(  # noqa: PLR0917  # allauth's
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        text = message or NOTICES.get(message_template or "")
        if text:
            super().add_message(request, level, message=str(text), extra_tags=extra_tags)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Hands a mail over. It is written down before the answer, and sent by a job."""
        written = render_to_string(MAILS[template_prefix], {**context, "public_url": settings.PUBLIC_URL})
        subject, _line, text = written.strip().partition("\n")
        send_message(
            dedupe_key=f"account:{uuid.uuid4()}",
            kind=AddressKind.EMAIL,
            address=email,
            language=get_language() or settings.LANGUAGE_CODE,
            subject=subject.strip(),
            text=f"{text.strip()}\n",
            html="",
            purpose="account",
            # Whoever types an address that bounced before has it confirmed in no other way.
            is_asked_for=True,
            now=clock.now(),
        )

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tells of a changed password or second factor, whatever ACCOUNT_EMAIL_NOTIFICATIONS says; of nothing else."""
        if template_prefix in MAILS and isinstance(user, User):
            self._tell(template_prefix, email or user.mail_address, user, {"now": clock.now(), **(context or {})})

    def _tell(self, template_prefix: str, email: str, user: User, context: dict[str, Any]) -> None:
        if email:
            self.send_mail(template_prefix, email, {"user": user, **context})
        elif user.phone:
            subject = render_to_string(MAILS[template_prefix], {**context, "public_url": settings.PUBLIC_URL})
            send_notice(user.phone, f"{subject.strip().splitlines()[0].strip()} {settings.PUBLIC_URL}/account")


def remember_language(response: HttpResponse, language: str) -> None:
    """Keeps the language in the browser, for the time after logging out."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=31_536_000,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        samesite="Lax",
        httponly=True,
    )
