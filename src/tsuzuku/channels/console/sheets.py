# SPDX-License-Identifier: Apache-2.0
"""What a page of the console shows, as data: pairs of words, and tables. One template draws them all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tsuzuku.kernel.money import Money
from tsuzuku.look import formats

#: Text, or markup that `tag` and `link` made.
Cell = str | SafeString


@dataclass(frozen=True, kw_only=True)
class Section:
    """One box of a page."""

    title: str
    pairs: Sequence[tuple[str, Cell]] = ()
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    #: What stands there if there is nothing to show.
    empty: str = ""
    table: dict[str, object] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.headers:
            self.table.update(headers=list(self.headers), rows=[list(row) for row in self.rows])


def tag(text: object, tone: str = "") -> SafeString:
    """A state in its colour: good, soon, act, or quiet without one."""
    return format_html('<span class="tag {}">{}</span>', tone, text)


def link(text: object, page: str, pk: int) -> SafeString:
    """A link to a page of the console, such as `orderentry`."""
    return format_html('<a class="go" href="{}">{}</a>', reverse(f"admin:console_{page}_change", args=[pk]), text)


def money(amount_minor: int, currency: str) -> str:
    """An amount, also one of nothing."""
    return formats.money(Money(amount_minor, currency))


def moment(at: datetime | None, *, now: datetime) -> str:
    """A moment in the brand's time; a dash for none."""
    return formats.moment(at, now=now) if at else "–"


def said(text: str | None) -> str:
    """A text, or that there is none."""
    return text or "–"


def yes(is_so: bool) -> str:
    """Yes or no."""
    return _("Yes") if is_so else _("No")
