# SPDX-License-Identifier: Apache-2.0
"""How to pay elsewhere than on a provider's page, as our page shows it: a code to scan, or numbers for a store."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import segno
from django.conf import settings
from django.utils.translation import gettext as _

from tsuzuku.channels.web.payers import Payer, time_at_home
from tsuzuku.channels.web.plan_texts import method_name
from tsuzuku.look import formats
from tsuzuku.payments.models import Payment
from tsuzuku.payments.ports import StoreSlip
from tsuzuku.payments.stores import digit_groups, store

#: What a phone may be asked to open: pages, and the apps that pay by codes.
_OPENABLE = frozenset({"https", "http", "alipays", "alipay", "paypay"})


@dataclass(frozen=True, slots=True)
class ShownSlip:
    """A slip for one store. Numbers are in groups."""

    store: str
    name: str
    sign: str
    payment_number: list[str]
    confirmation_number: list[str]
    steps: list[str]


@dataclass(frozen=True, slots=True)
class ShownInstructions:
    """What a page tells about paying elsewhere."""

    method_name: str
    #: What a form sends to be shown a new code.
    value: str
    expires_at: datetime
    #: The same on the clock of the payer's country, with its name; empty where it reads the same.
    at_home: str
    slips: list[ShownSlip]
    #: An SVG element, and where the app on this phone opens; empty if there is none.
    qr: str
    app_address: str
    page_address: str
    #: Whether a simulator of ours stands in for the store or the app.
    is_played: bool


def show_instructions(payment: Payment, *, payer: Payer) -> ShownInstructions | None:
    """What to show of a payment, or None if it is not paid elsewhere."""
    told = payment.shown
    if told is None:
        return None
    name = method_name(payment.method)
    opens_here = payer.has_phone or settings.DEMO
    return ShownInstructions(
        method_name=name,
        value=f"{payment.provider}:{payment.method}",
        expires_at=told.expires_at,
        at_home=_at_home(told.expires_at, payer),
        slips=[_slip(slip) for slip in told.slips],
        qr=_qr(told.qr_text, title=_("Code for %(method)s") % {"method": name}) if told.qr_text else "",
        app_address=told.qr_text if opens_here and _is_openable(told.qr_text) else "",
        page_address=told.page_url if _is_openable(told.page_url) else "",
        is_played=settings.DEMO,
    )


def _slip(slip: StoreSlip) -> ShownSlip:
    found = store(slip.store)
    return ShownSlip(
        store=slip.store,
        name=str(found.name),
        sign=found.sign,
        payment_number=digit_groups(slip.payment_number),
        confirmation_number=digit_groups(slip.confirmation_number),
        steps=[str(step) for step in found.steps],
    )


def _at_home(moment: datetime, payer: Payer) -> str:
    there = time_at_home(moment, country=payer.country)
    if there is None:
        return ""
    country = formats.active_locale().territories.get(payer.country, payer.country)
    return _("%(time)s in %(country)s") % {"time": formats.clock_time(there), "country": country}


def _qr(text: str, *, title: str) -> str:
    """Black on white with the quiet zone that scanners need (ISO/IEC 18004)."""
    return segno.make(text, error="m", micro=False).svg_inline(
        title=title, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr-code", lineclass=None
    )


def _is_openable(address: str) -> bool:
    return urlsplit(address).scheme in _OPENABLE
