# SPDX-License-Identifier: Apache-2.0
"""What the browser tells of its own connection, in the address; nobody has to believe it but who looks at the page."""

from typing import Any

from django import forms
from django.http import QueryDict

from tsuzuku.channels.web.connection import Measured

#: A day in milliseconds, 100 Gbit/s: beyond that somebody is making it up.
_NUMBER_MAX = 100_000_000


class MeasuredForm(forms.Form):
    """Fields of which each counts by itself: what is missing or odd was not measured."""

    #: "off" if whoever uses the phone has switched it off.
    wifi = forms.CharField(required=False)
    #: What the browser calls the connection: "cellular", "wifi" and others (W3C Network Information API).
    link = forms.CharField(required=False)
    kbits = forms.IntegerField(required=False, min_value=0, max_value=_NUMBER_MAX)
    round_trip = forms.IntegerField(required=False, min_value=0, max_value=_NUMBER_MAX)
    lost = forms.IntegerField(required=False, min_value=0, max_value=_NUMBER_MAX)
    ipv4 = forms.TypedChoiceField(required=False, choices=[("0", ""), ("1", "")], coerce=lambda told: told == "1")
    ipv6 = forms.TypedChoiceField(required=False, choices=[("0", ""), ("1", "")], coerce=lambda told: told == "1")


def told_by(query: QueryDict) -> tuple[Measured, dict[str, Any]]:
    """What was measured, and the fields as they are."""
    form = MeasuredForm(query)
    form.is_valid()
    told = form.cleaned_data
    measured = Measured(
        kbits=told.get("kbits"),
        round_trip=told.get("round_trip"),
        lost=told.get("lost") or 0,
        reaches_ipv4=_known(told.get("ipv4")),
        reaches_ipv6=_known(told.get("ipv6")),
    )
    return measured, told


def _known(told: bool | str | None) -> bool | None:
    return told if isinstance(told, bool) else None
