# SPDX-License-Identifier: Apache-2.0
"""What owners of automatic renewals are told by mail: what will be charged and when, why it failed, that it stopped."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tsuzuku.kernel.iccid import masked
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.payments.balance import customer_account, spendable
from tsuzuku.people.writing import write_to
from tsuzuku.renewals.automatic import stop_token
from tsuzuku.renewals.models import AutomaticRenewal

#: By why a charge failed or a refusal's code; all else is told as that the card cannot take the plan any more.
_REASONS = {
    "balance": _("Your balance does not cover the price."),
    "limit": _("The limit or the balance of your card or account was not enough."),
    "refused": _("Your bank or payment service refused it and did not say why."),
    "network": _("Your bank or payment service could not be reached."),
    "expired": _("Your bank or payment service could not be reached."),
    "not-activated": _("The network could not switch it on. What was charged goes back by itself."),
    "dispute": _("Your bank has taken back what was charged before."),
    "cancelled": _("You have cancelled its order."),
    "not-holder": _("The card is not in your account any more."),
    "plan-unknown": _("The plan is no longer sold."),
    "card-suspended": _("The card is suspended."),
    "card-lost": _("The card was reported lost."),
    "card-past-last-date": _("The last day of use of the card is over."),
}
_CANNOT = _("The card cannot take the plan any more.")


def tell_announced(row: AutomaticRenewal, *, price_before: Money, now: datetime) -> None:
    """Tells that a card will be renewed, when, at which price, and how to stop it."""
    if row.announced_for is None or row.due_at is None:
        raise ValueError("nothing was announced")
    with translation.override(row.language):
        words = {
            "until": formats.until(row.announced_for, now=now),
            "due": formats.moment(row.due_at, now=now),
            "price": formats.money(row.price),
            "before": formats.money(price_before) if price_before != row.price else "",
            "source": row.kept.label if row.kept else gettext("your balance"),
            "balance": _balance_if_short(row, now=now),
            "stop": f"{settings.PUBLIC_URL}/automatic/stop/{stop_token(row)}",
        }
        _mail(
            row,
            dedupe_key=f"automatic-announced:{row.pk}:{row.generation}:{row.announced_for.isoformat()}:{row.due_at}",
            subject=gettext("Your card will be renewed for %(price)s on %(due)s") % words,
            template="renewals/automatic_announced.txt",
            words=words,
            now=now,
        )


def _balance_if_short(row: AutomaticRenewal, *, now: datetime) -> str:
    """What the balance holds, where it has to pay and does not hold enough."""
    if row.kept is not None:
        return ""
    balance = spendable(customer_account(row.user_id), now=now)
    return formats.money(balance) if balance.amount_minor < row.price_minor else ""


def tell_failed(row: AutomaticRenewal, *, reason: str, number: str, again: datetime, now: datetime) -> None:
    """Tells that a charge failed and why, and when it is tried again."""
    with translation.override(row.language):
        _mail(
            row,
            dedupe_key=f"automatic-failed:{number}",
            subject=gettext("We could not renew your card by itself"),
            template="renewals/automatic_failed.txt",
            words={
                "reason": _REASONS.get(reason, _CANNOT),
                "again": formats.moment(again, now=now),
                "price": formats.money(row.price),
                "stop": f"{settings.PUBLIC_URL}/automatic/stop/{stop_token(row)}",
            },
            now=now,
        )


def tell_switched_off(row: AutomaticRenewal, *, reason: str, now: datetime) -> None:
    """Tells that a card is not renewed by itself any more, and why."""
    with translation.override(row.language):
        _mail(
            row,
            dedupe_key=f"automatic-off:{row.pk}:{row.generation}",
            subject=gettext("Your card is not renewed by itself any more"),
            template="renewals/automatic_off.txt",
            words={"reason": _REASONS.get(reason, _CANNOT)},
            now=now,
        )


def _mail(
    row: AutomaticRenewal, *, dedupe_key: str, subject: str, template: str, words: Mapping[str, object], now: datetime
) -> None:
    page = f"{settings.PUBLIC_URL}/c/{row.card.public_token}"
    text = render_to_string(
        template,
        {
            **words,
            "card": masked(row.card.iccid),
            "plan": row.plan.name_in(row.language),
            "page": page,
        },
    )
    write_to(
        row.user,
        dedupe_key=dedupe_key,
        language=row.language,
        subject=subject,
        text=text,
        link=page,
        purpose=f"automatic:{row.pk}",
        now=now,
    )
