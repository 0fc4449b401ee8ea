# SPDX-License-Identifier: Apache-2.0
"""Methods that payers have asked us to keep, to be charged while they are away. Their providers keep the numbers."""

from datetime import datetime

from django.db.models import QuerySet

from tsuzuku.journal.actions import record_facts
from tsuzuku.payments.events import MethodKept, MethodRemoved
from tsuzuku.payments.models import KeptMethodRow, Payment
from tsuzuku.payments.ports import KeptMethod
from tsuzuku.payments.registry import providers
from tsuzuku.people.models import User


def keep_method(payment: Payment, owner: User, kept: KeptMethod, *, now: datetime) -> None:
    """Keeps the method of a payment, in the caller's transaction. Told again it changes nothing, also after removal."""
    row, is_new = KeptMethodRow.objects.get_or_create(
        owner=owner,
        provider=payment.provider,
        reference=kept.reference,
        defaults={"method": payment.method, "label": kept.label, "kept_at": now},
    )
    if is_new:
        record_facts([MethodKept(method_id=row.pk)], actor=f"customer:{owner.pk}", now=now)


def methods_of(owner: User) -> QuerySet[KeptMethodRow]:
    """What somebody has kept with providers that are installed and still keep such, oldest first."""
    able = [name for name, provider in providers().items() if provider.capabilities.keeps]
    return KeptMethodRow.objects.filter(owner=owner, removed_at=None, provider__in=able).order_by("pk")


def can_keep(provider: str, method: str) -> bool:
    """Whether a provider keeps a method."""
    return provider in providers() and method in providers()[provider].capabilities.keeps


def remove_method(*, owner: User, method_id: int, now: datetime) -> None:
    """Forgets a method, in the caller's transaction: it is never charged again. One that is not there is fine."""
    mine = KeptMethodRow.objects.filter(owner=owner, pk=method_id, removed_at=None)
    if mine.update(removed_at=now):
        record_facts([MethodRemoved(method_id=method_id)], actor=f"customer:{owner.pk}", now=now)


def forget_methods(*, owner: User, now: datetime) -> None:
    """Forgets every method of somebody and what they know it by, in the caller's transaction."""
    for row in KeptMethodRow.objects.filter(owner=owner, removed_at=None).order_by("pk"):
        remove_method(owner=owner, method_id=row.pk, now=now)
    KeptMethodRow.objects.filter(owner=owner).update(label="")
