# SPDX-License-Identifier: Apache-2.0
"""Who belongs to the staff, and in which role. What a role may do is said by the console, as permissions of a group."""

from collections.abc import Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from tsuzuku.journal.actions import record_facts
from tsuzuku.people.errors import AddressMalformed, RoleUnknown, StaffExists, StaffUnknown
from tsuzuku.people.events import SecondFactorReset, StaffAdded, StaffEvent, StaffRemoved, StaffRoleChanged
from tsuzuku.people.models import User


def staff_actor(user: User) -> str:
    """A member of staff as facts name people."""
    return f"staff:{user.pk}"


def add_staff(*, email: str, role: str, actor: str, now: datetime) -> User:
    """Makes somebody a member of staff, without a password: they ask for a code by mail and choose one.

    A customer's account becomes theirs without what opened it before, since nobody knows who chose that. Raises
    AddressMalformed, StaffExists or RoleUnknown.
    """
    address = _address(email)
    with transaction.atomic():
        group = _group(role)
        User.objects.bulk_create([User(email=address)], ignore_conflicts=True)
        user = User.objects.select_for_update().get(email=address)
        if user.is_staff:
            raise StaffExists(email=address)
        user.is_staff = user.is_active = True
        user.phone = user.phone_verified_at = None
        user.set_unusable_password()
        user.save(update_fields=["is_staff", "is_active", "phone", "phone_verified_at", "password"])
        user.groups.set([group])
        Authenticator.objects.filter(user=user).delete()
        EmailAddress.objects.filter(user=user).exclude(email=address).delete()
        EmailAddress.objects.update_or_create(user=user, email=address, defaults={"verified": True, "primary": True})
        _tell(StaffAdded(subject=staff_actor(user), role=role), actor=actor, now=now)
        return user


def set_role(*, email: str, role: str, actor: str, now: datetime) -> None:
    """Gives a member of staff this role in place of theirs. Raises StaffUnknown or RoleUnknown."""
    with transaction.atomic():
        user = _locked(email)
        group = _group(role)
        if list(user.groups.all()) == [group]:
            return
        user.groups.set([group])
        _tell(StaffRoleChanged(subject=staff_actor(user), role=role), actor=actor, now=now)


def remove_staff(*, email: str, actor: str, now: datetime) -> None:
    """Ends somebody's membership at once, also where they are logged in. Raises StaffUnknown.

    The account stays, closed, so that what they did keeps its name.
    """
    with transaction.atomic():
        user = _locked(email)
        user.is_staff = user.is_superuser = user.is_active = False
        user.set_unusable_password()
        user.save(update_fields=["is_staff", "is_superuser", "is_active", "password"])
        user.groups.clear()
        Authenticator.objects.filter(user=user).delete()
        _tell(StaffRemoved(subject=staff_actor(user)), actor=actor, now=now)


def reset_second_factor(*, email: str, actor: str, now: datetime) -> None:
    """Forgets somebody's second factor, and their password with it: who lost a phone may have lost more.

    They choose a password by a code that is mailed and set up another second factor. Raises StaffUnknown.
    """
    with transaction.atomic():
        user = _locked(email)
        user.set_unusable_password()
        user.save(update_fields=["password"])
        Authenticator.objects.filter(user=user).delete()
        _tell(SecondFactorReset(subject=staff_actor(user)), actor=actor, now=now)


def staff_members() -> Sequence[User]:
    """Everybody on the staff with their roles, by address. Two queries."""
    return list(User.objects.filter(is_staff=True).prefetch_related("groups").order_by("email"))


def role_of(user: User) -> str:
    """The role of a member of staff; "" for none."""
    return ", ".join(sorted(group.name for group in user.groups.all()))


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise AddressMalformed(email=email) from None
    return address


def _locked(email: str) -> User:
    user = User.objects.select_for_update().filter(email=email.strip().lower(), is_staff=True).first()
    if user is None:
        raise StaffUnknown(email=email)
    return user


def _group(role: str) -> Group:
    group = Group.objects.filter(name=role).first()
    if group is None:
        raise RoleUnknown(role=role, roles=", ".join(Group.objects.order_by("name").values_list("name", flat=True)))
    return group


def _tell(event: StaffEvent, *, actor: str, now: datetime) -> None:
    record_facts([event], actor=actor, now=now)
