# SPDX-License-Identifier: Apache-2.0
"""What partners are told by mail: a low balance, and webhooks that nobody received."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.payments.models import SpendingAccount
from tsuzuku.payments.spending import balances_of
from tsuzuku.sellers.models import Partner, WebhookDelivery

TELL_LOW_BALANCES = "tell low balances"
_PORTION = 100


def tell_low_balances() -> int:
    """Tells partners whose balance is low and who have not been told since their last top-up. Returns how many.

    Found by the sweep within seconds; a renewal does not look.
    """
    told = 0
    while portion := _tell_portion(now=clock.now()):
        told += portion
    return told


def has_low_balances(now: datetime) -> bool:
    """Whether a partner is to be told of a low balance."""
    return _low().exists()


def _low() -> QuerySet[Partner]:
    codes = Partner.objects.annotate(
        account_code=Concat(Value("partner:", output_field=TextField()), Cast("pk", TextField()))
    )
    below = SpendingAccount.objects.filter(
        account__code=OuterRef("account_code"), balance_minor__lt=OuterRef("low_balance_minor")
    )
    return codes.filter(Exists(below), low_balance_told_at__isnull=True).exclude(email="")


def _tell_portion(*, now: datetime) -> int:
    with transaction.atomic():
        partners = list(_low().order_by("pk").select_for_update(of=("self",), skip_locked=True)[:_PORTION])
        balances = balances_of([partner.actor for partner in partners])
        for partner in partners:
            balance = balances[partner.actor]
            with translation.override(partner.language):
                _mail(
                    partner,
                    dedupe_key=f"low-balance:{partner.pk}:{now.isoformat()}",
                    subject=gettext("Your balance is low: %(balance)s") % {"balance": formats.money(balance.balance)},
                    template="sellers/low_balance.txt",
                    words={
                        "partner": partner.name,
                        "balance": formats.money(balance.balance),
                        "available": formats.money(Money(balance.available_minor, balance.balance.currency)),
                    },
                    now=now,
                )
        Partner.objects.filter(pk__in=[partner.pk for partner in partners]).update(low_balance_told_at=now)
    return len(partners)


def tell_dead_webhook(delivery: WebhookDelivery, *, now: datetime) -> None:
    """Tells a partner, in the caller's transaction, that a webhook was given up; at most one mail a day."""
    partner = delivery.partner
    if not partner.email:
        return
    with translation.override(partner.language):
        _mail(
            partner,
            dedupe_key=f"dead-webhook:{partner.pk}:{now:%Y-%m-%d}",
            subject=gettext("We could not deliver a webhook to you"),
            template="sellers/dead_webhook.txt",
            words={
                "event": delivery.event_id,
                "type": delivery.type,
                "address": partner.webhook_url,
                "number": delivery.renewal.order.number,
                "problem": delivery.problem,
            },
            now=now,
        )


def _mail(
    partner: Partner, *, dedupe_key: str, subject: str, template: str, words: dict[str, object], now: datetime
) -> None:
    send_message(
        dedupe_key=dedupe_key,
        kind=AddressKind.EMAIL,
        address=partner.email,
        language=partner.language,
        subject=subject,
        text=render_to_string(template, words),
        html="",
        purpose=partner.actor,
        now=now,
    )
