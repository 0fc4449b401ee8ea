# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku promotion`: what promotions there are, what a price would be and why, and ending one at once."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.catalog.models import Promotion
    from tsuzuku.catalog.previews import PromotionPreview

#: By the reason that a promotion takes nothing off: what is the case.
WHY: Mapping[str, str] = {
    "withdrawn": "it is withdrawn",
    "needs-coupon": "it asks for one of its coupons",
    "other-door": "it is for other doors",
    "other-plan": "it is for other plans",
    "other-currency": "it takes off another currency",
    "not-yet": "its time has not begun",
    "over": "its time is over",
    "outside-festival": "the day is outside its festival",
    "below-minimum": "the plan costs less than it asks for",
    "used-by-customer": "this customer has used it as often as one may",
    "used-up": "its uses are taken, or its budget does not bear another",
    "not-better": "others take off as much or more, and it does not go together with them",
}

_code = click.argument("code")
_json = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")


class _Moment(click.ParamType[datetime]):
    """A time of RFC 3339, or a day or time of the brand's own clock."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401  # click's own signature
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2027-02-06, 2027-02-06T09:00 or 2027-02-06T09:00+09:00", param, ctx)


@click.group(name="promotion", short_help="List promotions, preview prices, end a promotion.", no_args_is_help=True)
def command() -> None:
    """Shows what promotions do. They come in with `tsuzuku import promotions`."""


@command.command(name="list", short_help="List promotions with their uses and what they took off.")
@_json
def list_all(as_json: bool) -> None:
    """Lists all promotions: how often each is used, reserved uses included, and what it has taken off."""
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.catalog.promotion_queries import promotions_listed

        listed = list(promotions_listed())
    if as_json:
        click.echo(json.dumps([_fields(each) for each in listed]))
        return
    for each in listed:
        click.echo(_line(each))
    if not listed:
        click.echo("There are none.")


@contextmanager
def _explained() -> Iterator[None]:
    """Says what to do about a code that does not exist."""
    from tsuzuku.catalog.errors import PlanUnknown, PromotionUnknown

    try:
        yield
    except PromotionUnknown as unknown:
        raise click.ClickException(f"{unknown}: `tsuzuku promotion list` has them all") from unknown
    except PlanUnknown as unknown:
        raise click.ClickException(f"{unknown}: no such plan is sold at this door then") from unknown


def _fields(promotion: "Promotion") -> dict[str, Any]:
    return {
        "code": promotion.code,
        "needs_coupon": promotion.needs_coupon,
        "uses": promotion.uses,
        "uses_max": promotion.uses_max,
        "spent_minor": promotion.spent_minor,
        "budget_minor": promotion.budget_minor,
        "currency": promotion.currency,
        "withdrawn_at": promotion.withdrawn_at and promotion.withdrawn_at.isoformat(),
    }


def _line(promotion: "Promotion") -> str:
    uses = f"{promotion.uses:,}" + (f" of {promotion.uses_max:,}" if promotion.uses_max is not None else "")
    budget = f" of {promotion.budget_minor:,}" if promotion.budget_minor is not None else ""
    kind = "by coupon" if promotion.needs_coupon else "by itself"
    state = f"withdrawn {promotion.withdrawn_at:%Y-%m-%d %H:%M} UTC" if promotion.withdrawn_at else "open"
    spent = f"{promotion.spent_minor:,}{budget} {promotion.currency}"
    return f"{promotion.code:<32}  {state}, {kind}: {uses} uses, took off {spent}"


@command.command(name="preview", short_help="Say what a plan would cost, and why.")
@click.option("--plan", required=True, metavar="CODE", help="Which plan.")
@click.option("--channel", default="web", show_default=True, metavar="DOOR", help="At which door.")
@click.option("--at", type=_Moment(), help="When; without a zone, in the brand's time. Default: now.")
@click.option("--coupon", default="", metavar="CODE", help="As if this coupon was given.")
@_json
def preview(plan: str, channel: str, at: datetime | None, coupon: str, as_json: bool) -> None:
    """Says line by line what a plan would cost a new customer, and why each promotion applies or does not."""
    from tsuzuku.project.database import database

    with database(), _explained():
        from django.conf import settings

        from tsuzuku.catalog.previews import preview_price

        zone = ZoneInfo(settings.TIME_ZONE)
        moment = at or clock.now()
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        found = preview_price(plan_code=plan, channel=channel, coupon=coupon, now=moment)
    if as_json:
        click.echo(json.dumps(found.to_json()))
    else:
        _tell(found, f"{plan} at {channel}, {moment.astimezone(zone):%Y-%m-%d %H:%M %Z}")


def _tell(found: "PromotionPreview", heading: str) -> None:
    click.echo(f"{heading}, in {found.full_price.currency}:")
    click.echo(f"{found.full_price.amount_minor:>12,}  the plan")
    for code, amount in found.takings:
        click.echo(f"{-amount:>12,}  {code}")
    click.echo(f"{found.price.amount_minor:>12,}  to pay")
    if found.passed_over:
        click.echo("Not applied:")
    for code, why in found.passed_over.items():
        click.echo(f"  {code}: {why}, {WHY[why]}")
    if found.is_coupon_unknown:
        click.echo("There is no such coupon.")


@command.command(name="withdraw", short_help="End a promotion at once.")
@_code
def withdraw(code: str) -> None:
    """Ends the promotion CODE at once. Orders placed with it keep their price. Can be repeated."""
    from tsuzuku.project.database import database

    with database(), _explained():
        from tsuzuku.catalog.promotion_import import withdraw_promotion

        withdraw_promotion(code=code, now=clock.now())
    click.echo(f"{code} is withdrawn.")


@command.command(name="offer", short_help="Take back a withdrawal.")
@_code
def offer(code: str) -> None:
    """Takes back the withdrawal of the promotion CODE. Can be repeated."""
    from tsuzuku.project.database import database

    with database(), _explained():
        from tsuzuku.catalog.promotion_import import offer_promotion_again

        offer_promotion_again(code=code)
    click.echo(f"{code} is offered, when and where its rule says.")
