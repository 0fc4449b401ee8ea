# SPDX-License-Identifier: Apache-2.0
"""Formats and the line for templates."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.translation import get_language

from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.look.line import LineInput, Stretch, covered_until, draw_line, fit_days
from tsuzuku.look.line_texts import describe_line, line_words

register = template.Library()

#: How much lower the line is without its labels; the template moves it up by the upper part.
SMALL_LESS_PX = 66

register.filter("money", formats.money)
register.filter("data_size", formats.data_size)
register.filter("data_parts", formats.data_parts)
register.filter("number", formats.number)
register.filter("full_day", formats.full_day)
register.filter("short_day", formats.short_day)
register.filter("month_of_year", formats.month_of_year)


@register.filter
def day(value: date, now: datetime) -> str:
    """`{{ day|day:now }}`: the day, with the year where it is another."""
    return formats.day(value, now=now)


@register.filter
def moment(value: datetime, now: datetime) -> str:
    """`{{ at|moment:now }}`: the day and time, with the year where it is another."""
    return formats.moment(value, now=now)


@register.filter
def day_of(value: date, now: datetime) -> str:
    """`{{ day|day_of:now }}`: a day with its weekday, with the year where it is another."""
    return formats.day(value, now=now)


@register.filter
def until(value: datetime, now: datetime) -> str:
    """`{{ at|until:now }}`: as `moment`, for the end of something."""
    return formats.until(value, now=now)


@register.filter
def time_left(value: datetime, now: datetime) -> tuple[str, str]:
    """`{{ at|time_left:now }}`: how long until then, as number and unit."""
    return formats.duration_parts(value - now)


@register.filter
def duration(value: timedelta) -> str:
    """How long."""
    return formats.duration(value)


@register.filter
def price(amount_minor: int, currency: str) -> str:
    """`{{ order.price_minor|price:order.currency }}`."""
    return formats.money(Money(amount_minor, currency))


@register.simple_tag
def gap() -> str:
    """`{% gap %}`: between two sentences; nothing in Chinese and Japanese, whose full stop brings its own room."""
    return "" if (get_language() or "").startswith(("zh", "ja")) else " "


@register.inclusion_tag("look/line.html")
def line(
    *,
    now: datetime,
    laid: Sequence[Stretch],
    planned: Sequence[Stretch] = (),
    flight: date | None = None,
    is_small: bool = False,
) -> dict[str, Any]:
    """Draws the line. The small one has rails only and says nothing: words stand beside it."""
    zone = ZoneInfo(settings.TIME_ZONE)
    first_day, days = fit_days(now=now, stretches=[*laid, *planned], flight=flight, zone=zone)
    drawing = draw_line(
        LineInput(
            now=now,
            first_day=first_day,
            days=days,
            zone=zone,
            words=line_words(gain=gain(now=now, laid=laid, planned=planned)),
            laid=tuple(laid),
            planned=tuple(planned),
            flight=flight,
        )
    )
    text = describe_line(now=now, laid=laid, planned=planned, flight=flight, zone=zone)
    height = drawing.height - SMALL_LESS_PX if is_small else drawing.height
    return {"drawing": drawing, "text": text, "is_small": is_small, "height": height}


def gain(*, now: datetime, laid: Sequence[Stretch], planned: Sequence[Stretch]) -> timedelta | None:
    """How much longer the card is online without a break with what is planned; None where an end is missing."""
    before, after = covered_until(now, laid), covered_until(now, [*laid, *planned])
    return after - before if before is not None and after is not None else None


@register.inclusion_tag("look/field.html")
def field(bound: BoundField, *, label: str = "", hint: str = "", **attributes: str) -> dict[str, Any]:
    """A form's field with its label, hint and mistakes, tied together for screen readers.

    Placeholders and help texts that the form brings are left away: a hint says what helps.
    """
    described = [f"{bound.auto_id}_hint"] if hint else []
    if bound.errors:
        described.append(f"{bound.auto_id}_errors")
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    bound.field.widget.attrs.pop("placeholder", None)
    widget = bound.as_widget(attrs={**attributes})
    return {"field": bound, "label": label or bound.label, "hint": hint, "widget": widget}
