# SPDX-License-Identifier: Apache-2.0
"""Prices in the traveller's own currency: `{{ price|about:shown_in }}`."""

from django import template

from tsuzuku.channels.web.currencies import Shown
from tsuzuku.kernel.money import Money

register = template.Library()


@register.filter
def about(price: Money, shown_in: Shown | str) -> str:
    """A price, about; empty where no fresh rate is known, or the page names no currency."""
    return shown_in.about(price) if isinstance(shown_in, Shown) else ""
