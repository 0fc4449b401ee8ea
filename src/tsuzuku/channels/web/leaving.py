# SPDX-License-Identifier: Apache-2.0
"""Deleting an account in every room that knows its owner. Orders and receipts stay, as the law wants, without them."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsuzuku.cards.actions import release_all
from tsuzuku.messaging.actions import forget_messages
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.orders.actions import forget_payer
from tsuzuku.payments.kept import forget_methods
from tsuzuku.people.closing import close_account
from tsuzuku.people.models import User
from tsuzuku.people.writing import write_to
from tsuzuku.reminders.actions import forget_reader
from tsuzuku.renewals.automatic import stop_all_of
from tsuzuku.renewals.gifts import forget_giver


def leave_for_good(*, user: User, now: datetime) -> None:
    """Ends an account at once and whole; the last message says so. Raises StaffKeepAccounts."""
    with transaction.atomic():
        # Whoever tells somebody of reminders begins with the person too. Not so strictly that what only points to them
        # would wait, while it holds what is locked below.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        stop_all_of(user=user, now=now)
        forget_methods(owner=user, now=now)
        release_all(user=user, now=now)
        forget_reader(user=user)
        forget_giver(payer=user)
        forget_payer(payer=user)
        if user.email:
            forget_messages(kind=AddressKind.EMAIL, address=user.email)
        if user.phone:
            forget_messages(kind=AddressKind.SMS, address=user.phone)
        write_to(
            user,
            dedupe_key=f"closed:{user.pk}",
            language=get_language() or user.language,
            subject=_("Your Tsuzuku account is deleted"),
            text=render_to_string("web/mail/account_deleted.txt", {"public_url": settings.PUBLIC_URL}),
            link=settings.PUBLIC_URL,
            purpose=f"customer:{user.pk}",
            now=now,
        )
        close_account(user=user, now=now)
