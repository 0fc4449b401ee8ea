# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku partner`: who renews through the API, what is in their accounts, and what they are told by webhooks."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.kernel.errors import DomainError
    from tsuzuku.payments.spending import Balance
    from tsuzuku.sellers.models import Partner, WebhookDelivery

#: Who did it, in facts: whoever may run commands.
OPERATOR = "operator"

_name = click.argument("name")
_json = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")

#: By the code of what was refused: what to do about it.
WHAT_TO_DO = {
    "account-unknown": "the partner has no account in this currency",
    "api-key-unknown": "there is no key of this number; `tsuzuku api-key list --partner NAME` has them all",
    "calls-per-second-malformed": "a key may be used 1 to 1,000,000 times a second",
    "credit-limit-in-use": "the partner owes more than that already; top the account up first",
    "partner-exists": "there is a partner of this name; nothing was changed. `tsuzuku partner show` has its figures, "
    "`partner top-up` and `partner set-credit-limit` change them",
    "partner-unknown": "there is no partner of this name; `tsuzuku partner list` has them all",
    "top-up-reused": "this reference has topped the account up already, with another amount; nothing was booked",
    "webhook-event-unknown": "no webhook has this id; `tsuzuku partner webhooks NAME` has them all",
    "webhook-held": "the webhook is being sent at this moment; look again in a minute",
    "webhook-unset": "the partner has no address now; `tsuzuku partner set-webhook` sets one",
}
_FIELDS = {
    "amount_minor": "the amount must be more than 0, in minor units, and no more than 10^15",
    "balance_minor": "the balance must be 0 or more, in minor units, and no more than 10^15",
    "card_groups": "say whose cards: --all-cards, or --card-group with a name of 1 to 64 characters, not both",
    "credit_limit_minor": "the credit limit must be 0 or more, in minor units, and no more than 10^15",
    "email": "the e-mail address cannot be one",
    "language": "the language is not one of this installation",
    "low_balance_minor": "a notice of a low balance needs --email, and a sum that an account can hold",
    "name": "a name has 1 to 64 characters on one line",
    "reference": "a reference has 1 to 64 characters on one line",
}
_ADDRESSES = {
    "malformed": "this is no address that can be called",
    "not-https": "webhooks go to https addresses only",
    "credentials": "leave name and password out of the address; the signature proves who calls",
    "host-unknown": "the host name leads nowhere",
    "not-public": "the host is, or leads to, an address that the internet cannot reach; "
    "TSUZUKU_WEBHOOK_PRIVATE_NETWORKS opens networks of your own",
}


@contextmanager
def explained() -> Iterator[None]:
    """Tells what to do about what is refused, in one line."""
    from tsuzuku.kernel.errors import DomainError

    try:
        yield
    except DomainError as refused:
        raise click.ClickException(f"{refused.code}: {_what_to_do(refused)}") from refused


def _what_to_do(refused: "DomainError") -> str:
    particulars = refused.particulars
    if refused.code == "partner-malformed":
        return _FIELDS[str(particulars["field"])]
    if refused.code == "webhook-address-refused":
        return _ADDRESSES[str(particulars["reason"])]
    return WHAT_TO_DO.get(refused.code, str(refused))


@click.group(name="partner", short_help="See to partners, their accounts and their webhooks.", no_args_is_help=True)
def command() -> None:
    """Sees to partners, who renew cards through the API and pay from an account with the brand.

    Amounts are in minor units: yen have none smaller, so 300 is ¥300; of US$ 300 is US$3.00.
    """


@command.command(name="create", short_help="Make a partner with an account.")
@_name
@click.option("--balance-minor", type=int, default=0, show_default=True, help="What the account begins with.")
@click.option("--credit-limit-minor", type=int, default=0, show_default=True, help="How far below 0 it may go.")
@click.option("--currency", default="JPY", show_default=True, help="ISO 4217. It stays.")
@click.option("--all-cards", is_flag=True, help="The partner may renew every card.")
@click.option("--card-group", "card_groups", multiple=True, metavar="GROUP", help="Or those of a group; repeatable.")
@click.option("--email", default="", help="Where notices go.")
@click.option("--language", default="en", show_default=True, help="Of the notices.")
@click.option("--low-balance-minor", type=int, help="Below this the partner is told.")
@_json
def create(
    *,
    name: str,
    balance_minor: int,
    credit_limit_minor: int,
    currency: str,
    all_cards: bool,
    card_groups: tuple[str, ...],
    email: str,
    language: str,
    low_balance_minor: int | None,
    as_json: bool,
) -> None:
    """Makes a partner NAME. A name that is there is refused, and its partner stays as it is."""
    from tsuzuku.kernel.money import Money

    try:
        balance = Money(balance_minor, currency)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--currency") from problem
    with _installation():
        from tsuzuku.payments.spending import balance_of
        from tsuzuku.sellers.actions import create_partner

        partner = create_partner(
            name=name,
            email=email,
            language=language,
            all_cards=all_cards,
            card_groups=card_groups,
            balance=balance,
            credit_limit_minor=credit_limit_minor,
            low_balance_minor=low_balance_minor,
            actor=OPERATOR,
            now=clock.now(),
        )
        after = balance_of(partner.actor)
        if as_json:
            click.echo(json.dumps({"id": partner.pk}))
            return
        click.echo(f"Partner {partner.pk}, {partner.name}: {_funds(after)}.")
        click.echo(f"It needs a key: tsuzuku api-key create --partner {json.dumps(partner.name)} --scope …")


@command.command(name="list", short_help="List the partners with their balances.")
@_json
def list_partners(as_json: bool) -> None:
    """Lists every partner by name."""
    with _installation():
        from tsuzuku.payments.spending import balances_of
        from tsuzuku.sellers.queries import partners

        found = partners()
        balances = balances_of([partner.actor for partner in found])
        if as_json:
            click.echo(json.dumps([_fields(each, balances[each.actor]) for each in found], ensure_ascii=False))
            return
        for each in found:
            click.echo(f"{each.pk:>6}  {each.name}: {_funds(balances[each.actor])}; {_cards(each)}{_silence(each)}")
        if not found:
            click.echo("There are no partners yet.")


@command.command(name="remove-webhook", short_help="Send a partner no webhooks any more.")
@_name
@_json
def remove_url(name: str, as_json: bool) -> None:
    """Takes the address of NAME away. Webhooks that wait are given up; what ends from now on is told to nobody."""
    with _installation():
        from tsuzuku.sellers.webhooks import remove_webhook

        given_up = remove_webhook(name=name, actor=OPERATOR, now=clock.now())
        if as_json:
            click.echo(json.dumps({"given_up": given_up}))
            return
        click.echo(f"{name.strip()} gets no webhooks any more; {given_up:,} that waited were given up.")


@command.command(name="resend", short_help="Send a webhook again.")
@click.argument("event_id", type=click.UUID)
def resend(event_id: uuid.UUID) -> None:
    """Sends the webhook EVENT_ID again under the same id: a dead or received one, or one that waits for its turn."""
    with _installation():
        from tsuzuku.sellers.webhooks import resend_webhook

        delivery = resend_webhook(event_id=event_id, now=clock.now())
        click.echo(f"{delivery.type} of {delivery.renewal.order.number} goes out again to {delivery.partner.name}.")


@command.command(name="set-credit-limit", short_help="Change how far below 0 an account may go.")
@_name
@click.argument("amount_minor", type=int, metavar="AMOUNT")
@_json
def set_limit(name: str, amount_minor: int, as_json: bool) -> None:
    """Lets the account of NAME go AMOUNT (minor units) below 0. Can be repeated."""
    with _installation():
        from tsuzuku.sellers.actions import set_credit_limit

        after = set_credit_limit(name=name, credit_limit_minor=amount_minor, actor=OPERATOR, now=clock.now())
        _tell_funds(name, after, as_json=as_json)


@command.command(name="set-webhook", short_help="Set where a partner's webhooks go.")
@_name
@click.argument("url")
@_json
def set_url(name: str, url: str, as_json: bool) -> None:
    """Sends the webhooks of NAME to URL from now on and prints the new secret that signs them: once, and only here."""
    with _installation():
        from tsuzuku.sellers.webhooks import set_webhook

        secret = set_webhook(name=name, url=url, actor=OPERATOR, now=clock.now())
        if as_json:
            click.echo(json.dumps({"url": url, "secret": secret}))
            return
        click.echo(f"Secret: {secret}")
        click.echo("Give it to the partner now; it cannot be shown again, and a secret before it holds no more.")


@command.command(name="show", short_help="Show a partner, its account and its keys.")
@_name
@_json
def show(name: str, as_json: bool) -> None:
    """Shows everything about NAME but its secrets, which nobody can read."""
    with _installation():
        from tsuzuku.payments.spending import balance_of
        from tsuzuku.sellers.queries import keys_of, partner_named

        partner = partner_named(name)
        balance = balance_of(partner.actor)
        keys = keys_of(partner)
        if as_json:
            open_keys = [key.pk for key in keys if key.revoked_at is None]
            click.echo(json.dumps({**_fields(partner, balance), "keys": open_keys}, ensure_ascii=False))
            return
        click.echo(f"Partner {partner.pk}, {partner.name}, since {partner.created_at:%Y-%m-%d}")
        click.echo(f"  account:  {_funds(balance)}")
        click.echo(f"  cards:    {_cards(partner)}")
        click.echo(f"  notices:  {partner.email or 'nowhere'}{_threshold(partner, balance)}")
        click.echo(f"  webhooks: {partner.webhook_url or 'nowhere'}{_silence(partner)}")
        for key in keys:
            closed = f", revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else ""
            click.echo(f"  key {key.pk}: {' '.join(key.scopes)}, {key.calls_per_second:,} calls a second{closed}")


@command.command(name="top-up", short_help="Book money that a partner has paid.")
@_name
@click.argument("amount_minor", type=int, metavar="AMOUNT")
@click.option("--reference", required=True, help="Of the payment, such as its invoice; books it once.")
@_json
def top_up(name: str, amount_minor: int, reference: str, as_json: bool) -> None:
    """Books AMOUNT (minor units) that NAME has paid to the brand. The same reference again books nothing."""
    with _installation():
        from tsuzuku.sellers.actions import top_up_partner

        after = top_up_partner(
            name=name, amount_minor=amount_minor, reference=reference, actor=OPERATOR, now=clock.now()
        )
        _tell_funds(name, after, as_json=as_json)


@command.command(name="webhooks", short_help="List what a partner was told by webhook.")
@_name
@click.option("--dead", is_flag=True, help="Only those that were given up.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@_json
def webhooks(name: str, dead: bool, limit: int, as_json: bool) -> None:
    """Lists webhooks to NAME, newest first, with what came of them."""
    with _installation():
        from tsuzuku.sellers.queries import partner_named, webhooks_of

        found = webhooks_of(partner_named(name), only_dead=dead, limit=limit)
        if as_json:
            click.echo(json.dumps([_webhook_fields(each) for each in found]))
            return
        for each in found:
            click.echo(f"{each.event_id}  {each.type}  {each.renewal.order.number}  {_course(each)}")
        if not found:
            click.echo("There are none.")


@contextmanager
def _installation() -> Iterator[None]:
    """The database, with refusals explained."""
    from tsuzuku.project.database import database

    with database(), explained():
        yield


def _tell_funds(name: str, balance: "Balance", *, as_json: bool) -> None:
    click.echo(json.dumps(_fund_fields(balance)) if as_json else f"{name.strip()}: {_funds(balance)}.")


def _funds(balance: "Balance") -> str:
    from tsuzuku.look.formats import money

    return f"balance {money(balance.balance)}, credit limit {money(balance.credit_limit)}"


def _fund_fields(balance: "Balance") -> dict[str, Any]:
    return {
        "balance_minor": balance.balance.amount_minor,
        "credit_limit_minor": balance.credit_limit.amount_minor,
        "currency": balance.balance.currency,
    }


def _fields(partner: "Partner", balance: "Balance") -> Mapping[str, Any]:
    return {
        "id": partner.pk,
        "name": partner.name,
        **_fund_fields(balance),
        "all_cards": partner.all_cards,
        "card_groups": partner.card_groups,
        "email": partner.email,
        "low_balance_minor": partner.low_balance_minor,
        "webhook_url": partner.webhook_url,
    }


def _cards(partner: "Partner") -> str:
    return "all cards" if partner.all_cards else f"cards of {', '.join(partner.card_groups)}"


def _silence(partner: "Partner") -> str:
    since = partner.webhook_silent_since
    return f"; webhooks not answered since {since:%Y-%m-%d %H:%M} UTC" if since else ""


def _threshold(partner: "Partner", balance: "Balance") -> str:
    from tsuzuku.kernel.money import Money
    from tsuzuku.look.formats import money

    if partner.low_balance_minor is None:
        return ""
    return f", of a balance below {money(Money(partner.low_balance_minor, balance.balance.currency))}"


def _webhook_fields(delivery: "WebhookDelivery") -> dict[str, Any]:
    ended, again = delivery.ended_at, delivery.next_attempt_at
    return {
        "id": str(delivery.event_id),
        "type": delivery.type,
        "renewal": delivery.renewal.order.number,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "answer_status": delivery.answer_status,
        "problem": delivery.problem,
        "created_at": delivery.created_at.isoformat(),
        "ended_at": ended and ended.isoformat(),
        "next_attempt_at": again and again.isoformat(),
    }


def _course(delivery: "WebhookDelivery") -> str:
    """What came of a webhook, in a few words."""
    words: Sequence[str] = [delivery.state, f"{delivery.attempts} tries"]
    if delivery.problem:
        words = [*words, f"last: {delivery.problem}"]
    if delivery.next_attempt_at:
        words = [*words, f"next {delivery.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC"]
    return ", ".join(words)
