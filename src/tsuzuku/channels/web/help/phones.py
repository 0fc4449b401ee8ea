# SPDX-License-Identifier: Apache-2.0
"""The phones that have a guide, and which of them somebody holds, as far as a browser tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: More of a header than any browser sends is not read.
_HEADER_MAX = 500


@dataclass(frozen=True, slots=True)
class Phone:
    """A kind of phone whose menus read alike. `slug` stands in addresses."""

    slug: str
    name: "StrOrPromise"


PHONES: Mapping[str, Phone] = {
    phone.slug: phone
    for phone in (
        Phone("iphone", "iPhone · iPad"),
        Phone("pixel", "Google Pixel"),
        Phone("galaxy", "Samsung Galaxy"),
        Phone("xiaomi", "Xiaomi · Redmi · POCO"),
        Phone("huawei", "HUAWEI"),
        Phone("android", _("Other Android phones")),
    )
}

#: What a User-Agent or a model says, in the order in which it is asked.
_SIGNS = (
    ("iphone", re.compile(r"iPhone|iPad")),
    ("huawei", re.compile(r"HUAWEI|Huawei|HarmonyOS|OpenHarmony|HMSCore|\b[A-Z]{3}-(?:AL|TL|AN|LX|NX|L|N)\d")),
    ("galaxy", re.compile(r"\bSM-[A-Z]\d|SAMSUNG|SamsungBrowser|\bSC-\d\d[A-Z]\b|\bSCG\d\d\b")),
    ("xiaomi", re.compile(r"Xiaomi|XiaoMi|MiuiBrowser|Redmi|POCO|\b2\d(?:0[1-9]|1[0-2])\w{5,7}\b|\bM2\d{3}\w{3,5}\b")),
    ("pixel", re.compile(r"\bPixel\b")),
    ("android", re.compile(r"Android")),
)


def likely_phone(agent: str, *, model: str = "") -> str:
    """The slug of the phone whose browser sends `agent` (User-Agent); empty if it is none.

    Chrome names no model there any more, only in a header of its own, `model` (Sec-CH-UA-Model), if it is asked.
    """
    if not any(name in agent for name in ("iPhone", "iPad", "Android", "OpenHarmony")):
        return ""
    told = f"{agent} {model}"
    return next((slug for slug, sign in _SIGNS if sign.search(told)), "")


def likely_first(slug: str) -> list[Phone]:
    """Every phone, the likely one before the others."""
    return sorted(PHONES.values(), key=lambda phone: phone.slug != slug)


def phone_of(request: HttpRequest) -> str:
    """The slug of the phone on which somebody reads; empty if it is none."""
    agent = request.headers.get("User-Agent", "")[:_HEADER_MAX]
    return likely_phone(agent, model=request.headers.get("Sec-CH-UA-Model", "")[:_HEADER_MAX])
