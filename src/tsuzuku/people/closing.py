# SPDX-License-Identifier: Apache-2.0
"""The end of an account: nothing of the person is left but the number that orders and receipts point to."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction

from tsuzuku.journal.actions import record_facts
from tsuzuku.people.browsers import end_other_browsers
from tsuzuku.people.errors import StaffKeepAccounts
from tsuzuku.people.events import AccountClosed
from tsuzuku.people.models import User


def close_account(*, user: User, now: datetime) -> None:
    """Forgets somebody, and logs them out everywhere. Raises StaffKeepAccounts: what staff did keeps its name."""
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        if row.is_staff:
            raise StaffKeepAccounts
        if row.closed_at is not None:
            return
        row.email = row.phone = row.phone_verified_at = None
        row.display_name, row.is_active, row.closed_at, row.last_login = "", False, now, None
        row.set_unusable_password()
        row.save()
        EmailAddress.objects.filter(user=row).delete()
        Authenticator.objects.filter(user=row).delete()
        end_other_browsers(user=row, session_key=None)
        record_facts([AccountClosed(user_id=row.pk)], actor=f"customer:{row.pk}", now=now)
