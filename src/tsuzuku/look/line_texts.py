# SPDX-License-Identifier: Apache-2.0
"""What the line says in the active language: its labels, and the sentences for those who cannot see it."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, pgettext

from tsuzuku.look import formats
from tsuzuku.look.line import Stretch, Words, covered_until


def line_words(*, gain: timedelta | None = None) -> Words:
    """The labels; `gain` is what a renewal adds."""
    return Words(
        now=pgettext("on the line", "Now"),
        flight=pgettext("on the line", "✈ Home"),
        weekday=formats.weekday,
        month=formats.month,
        short_day=formats.short_day,
        gain=f"+{formats.duration(gain)}" if gain is not None and gain > timedelta() else "",
    )


def describe_line(
    *, now: datetime, laid: Sequence[Stretch], planned: Sequence[Stretch], flight: date | None, zone: ZoneInfo
) -> str:
    """The line in words."""
    sentences = [_coverage(now, laid)]
    if planned:
        end = covered_until(now, [*laid, *planned])
        sentences.append(
            gettext("With this plan: online without an end.")
            if end is None
            else gettext("With this plan: online until %(end)s.") % {"end": formats.until(end, now=now)}
        )
    if flight is not None:
        end = covered_until(now, [*laid, *planned])
        departure = datetime.combine(flight, time(12), tzinfo=zone)
        text = (
            gettext("The flight home on %(day)s is covered.")
            if end is None or end > departure
            else gettext("The flight home on %(day)s is not covered.")
        )
        sentences.append(text % {"day": formats.day(flight, now=now)})
    return " ".join(sentences)


def _coverage(now: datetime, laid: Sequence[Stretch]) -> str:
    end = covered_until(now, laid)
    if end is None:
        return gettext("Online without an end.")
    if end == now:
        return gettext("Not online now.")
    return gettext("Online until %(end)s.") % {"end": formats.until(end, now=now)}
