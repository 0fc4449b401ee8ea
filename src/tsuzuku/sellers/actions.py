# SPDX-License-Identifier: Apache-2.0
"""Partners, their accounts and their keys."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.texts import is_one_line
from tsuzuku.payments import spending
from tsuzuku.sellers.errors import (
    ApiKeyUnknown,
    CallsMalformed,
    PartnerExists,
    PartnerMalformed,
    ScopeUnknown,
)
from tsuzuku.sellers.events import ApiKeyCreated, ApiKeyRevoked, PartnerCreated
from tsuzuku.sellers.models import CALLS_PER_SECOND, ApiKey, Partner
from tsuzuku.sellers.queries import key_digest, partner_named
from tsuzuku.sellers.scopes import Scope

#: The reference of the top-up that a partner begins with.
OPENING = "opening"
_NAME_LENGTH_MAX = 64
#: More than any account will ever hold, and far from what a column can.
_AMOUNT_MINOR_MAX = 10**15
_CALLS_PER_SECOND_MAX = 1_000_000
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its partner gets it, once. Its text stands nowhere else and is never logged."""

    id: int
    key: str = field(repr=False)


def create_partner(
    *,
    name: str,
    email: str,
    language: str,
    all_cards: bool,
    card_groups: Collection[str],
    balance: Money,
    credit_limit_minor: int,
    low_balance_minor: int | None,
    actor: str,
    now: datetime,
) -> Partner:
    """Makes a partner with an account that holds `balance`, in whose currency it is kept from then on.

    Raises PartnerExists or PartnerMalformed; nothing was made then.
    """
    name = name.strip()
    groups = sorted({group.strip() for group in card_groups})
    _check_partner(name, email, language, all_cards=all_cards, groups=groups)
    _check_amounts(balance, credit_limit_minor, low_balance_minor, email=email)
    try:
        with transaction.atomic():
            partner = Partner.objects.create(
                name=name,
                email=email,
                language=language,
                all_cards=all_cards,
                card_groups=groups,
                low_balance_minor=low_balance_minor,
                created_at=now,
            )
            _open_account(partner, balance=balance, credit_limit_minor=credit_limit_minor, actor=actor, now=now)
            record_facts([PartnerCreated(partner_id=partner.pk)], actor=actor, now=now)
    except IntegrityError as problem:
        if Partner.objects.filter(name=name).exists():
            raise PartnerExists from problem
        raise
    return partner


def _check_partner(name: str, email: str, language: str, *, all_cards: bool, groups: Collection[str]) -> None:
    if not 0 < len(name) <= _NAME_LENGTH_MAX or not is_one_line(name):
        raise PartnerMalformed(field="name")
    if language not in dict(settings.LANGUAGES):
        raise PartnerMalformed(field="language")
    if email:
        try:
            validate_email(email)
        except ValidationError as problem:
            raise PartnerMalformed(field="email") from problem
    if all_cards == bool(groups) or not all(0 < len(group) <= _NAME_LENGTH_MAX for group in groups):
        raise PartnerMalformed(field="card_groups")


def _check_amounts(balance: Money, credit_limit_minor: int, low_balance_minor: int | None, *, email: str) -> None:
    if not 0 <= balance.amount_minor <= _AMOUNT_MINOR_MAX:
        raise PartnerMalformed(field="balance_minor")
    _check_credit_limit(credit_limit_minor)
    # Who is to be told needs an address for it.
    if low_balance_minor is not None and (abs(low_balance_minor) > _AMOUNT_MINOR_MAX or not email):
        raise PartnerMalformed(field="low_balance_minor")


def _check_credit_limit(credit_limit_minor: int) -> None:
    if not 0 <= credit_limit_minor <= _AMOUNT_MINOR_MAX:
        raise PartnerMalformed(field="credit_limit_minor")


def _open_account(partner: Partner, *, balance: Money, credit_limit_minor: int, actor: str, now: datetime) -> None:
    code = partner.actor
    spending.open_account(code=code, currency=balance.currency, credit_limit_minor=credit_limit_minor, now=now)
    if balance.amount_minor:
        spending.top_up(code=code, amount=balance, reference=OPENING, actor=actor, now=now)


def top_up_partner(*, name: str, amount_minor: int, reference: str, actor: str, now: datetime) -> spending.Balance:
    """Books money that a partner has paid to the brand, in its account's currency; returns what there is now.

    The same reference again books nothing. A balance that is no longer low may be told low again.

    Raises PartnerUnknown, PartnerMalformed, or TopUpReused when the reference stands for another amount.
    """
    if not 0 < amount_minor <= _AMOUNT_MINOR_MAX:
        raise PartnerMalformed(field="amount_minor")
    if not 0 < len(reference) <= _NAME_LENGTH_MAX or not is_one_line(reference):
        raise PartnerMalformed(field="reference")
    with transaction.atomic():
        partner = partner_named(name)
        code = partner.actor
        amount = Money(amount_minor, spending.balance_of(code).balance.currency)
        spending.top_up(code=code, amount=amount, reference=reference, actor=actor, now=now)
        after = spending.balance_of(code)
        Partner.objects.filter(pk=partner.pk, low_balance_minor__lte=after.balance.amount_minor).update(
            low_balance_told_at=None
        )
    return after


def set_credit_limit(*, name: str, credit_limit_minor: int, actor: str, now: datetime) -> spending.Balance:
    """Changes how far below zero a partner's account may go; returns what there is now.

    Raises PartnerUnknown, PartnerMalformed, or CreditLimitInUse when the partner owes more than that already.
    """
    _check_credit_limit(credit_limit_minor)
    code = partner_named(name).actor
    spending.set_credit_limit(code=code, credit_limit_minor=credit_limit_minor, actor=actor, now=now)
    return spending.balance_of(code)


#: The number that the next key will have: it stands in the key's text, and the text's digest in its row.
_NEXT_KEY_ID = "SELECT nextval(pg_get_serial_sequence('sellers_apikey', 'id'))"


def create_key(
    *,
    name: str,
    scopes: Collection[str],
    actor: str,
    now: datetime,
    calls_per_second: int = CALLS_PER_SECOND,
) -> NewKey:
    """Makes a key for a partner and returns its text, which cannot be had again.

    Raises PartnerUnknown, ScopeUnknown or CallsMalformed.
    """
    if unknown := set(scopes) - {scope.value for scope in Scope}:
        raise ScopeUnknown(scope=min(unknown))
    if not scopes:
        raise ScopeUnknown(scope="")
    if not 0 < calls_per_second <= _CALLS_PER_SECOND_MAX:
        raise CallsMalformed
    with transaction.atomic():
        partner = partner_named(name)
        ((key_id,),) = statements.rows(_NEXT_KEY_ID, {})
        key = f"tsz_{key_id}_{secrets.token_urlsafe(_KEY_BYTES)}"
        granted = [scope.value for scope in Scope if scope in scopes]
        ApiKey.objects.create(
            pk=key_id,
            partner=partner,
            digest=key_digest(key),
            scopes=granted,
            calls_per_second=calls_per_second,
            created_at=now,
        )
        created = ApiKeyCreated(partner_id=partner.pk, key_id=key_id, scopes=granted)
        record_facts([created], actor=actor, now=now)
    return NewKey(key_id, key)


def revoke_key(*, key_id: int, actor: str, now: datetime) -> bool:
    """Closes a key for good: the next call with it is refused. Returns whether it was open until now.

    Raises ApiKeyUnknown.
    """
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None:
            raise ApiKeyUnknown
        if key.revoked_at is not None:
            return False
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        record_facts([ApiKeyRevoked(partner_id=key.partner_id, key_id=key_id)], actor=actor, now=now)
    return True
