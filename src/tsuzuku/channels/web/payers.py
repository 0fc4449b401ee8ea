# SPDX-License-Identifier: Apache-2.0
"""Who pays, as far as a browser tells: where they come from and what they hold. All but `payer_of` is pure.

Everybody stands in Japan, so an address on the internet would tell nothing. What is guessed decides the order of what
is offered, never what is offered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from tsuzuku.payments.methods import Device

#: More of a header than any browser sends is not read.
_HEADER_MAX = 500
#: Where a language is spoken, if it is mostly one country.
_HOMES: Mapping[str, str] = {
    "zh": "CN",
    "zh-hans": "CN",
    "zh-hant": "TW",
    "ja": "JP",
    "ko": "KR",
    "th": "TH",
    "vi": "VN",
}
#: The zone of countries that have one, and from which people travel to Japan.
_ZONES: Mapping[str, str] = {
    "CN": "Asia/Shanghai",
    "HK": "Asia/Hong_Kong",
    "MO": "Asia/Macau",
    "TW": "Asia/Taipei",
    "SG": "Asia/Singapore",
    "MY": "Asia/Kuala_Lumpur",
    "PH": "Asia/Manila",
    "TH": "Asia/Bangkok",
    "VN": "Asia/Ho_Chi_Minh",
    "IN": "Asia/Kolkata",
    "GB": "Europe/London",
    "FR": "Europe/Paris",
    "DE": "Europe/Berlin",
    "IT": "Europe/Rome",
    "NZ": "Pacific/Auckland",
}


@dataclass(frozen=True, slots=True)
class Payer:
    """What is guessed of somebody."""

    #: ISO 3166, empty if nobody knows.
    country: str
    device: Device
    #: Whether they hold the phone on which their paying apps are.
    has_phone: bool


def payer_of(request: HttpRequest) -> Payer:
    """Who asks for a page, in the language that they read it in."""
    agent = request.headers.get("User-Agent", "")[:_HEADER_MAX]
    accepted = request.headers.get("Accept-Language", "")[:_HEADER_MAX]
    return Payer(country_of(accepted, language=get_language() or ""), device_of(agent), has_phone(agent))


def country_of(accepted: str, *, language: str) -> str:
    """The country of somebody whose browser sends `accepted` (Accept-Language) and who reads pages in `language`.

    What the browser likes best decides; but who reads pages in a language of one country comes from where it is spoken.
    """
    tags = _tags(accepted)
    home = _HOMES.get(language, "")
    same = [tag for tag in tags if tag.partition("-")[0] == language.partition("-")[0]]
    if home:
        return next((region for tag in same if (region := _region(tag))), home)
    return _region(tags[0]) if tags else ""


def _tags(accepted: str) -> list[str]:
    """The language tags of an Accept-Language header in lower case, most liked first."""
    weighed = []
    for part in accepted.split(","):
        tag, _, weight = part.partition(";")
        try:
            liked = float(weight.partition("=")[2]) if weight else 1.0
        except ValueError:
            continue
        if tag.strip() and liked > 0:
            weighed.append((liked, tag.strip().lower()))
    return [tag for _liked, tag in sorted(weighed, key=lambda each: -each[0])]


def _region(tag: str) -> str:
    """The country that a tag names, or that its language and script belong to."""
    language, *rest = tag.split("-")
    region = next((part for part in rest if len(part) == 2 and part.isalpha()), "")
    script = next((part for part in rest if len(part) == 4), "")
    return region.upper() or _HOMES.get(f"{language}-{script}", "") or _HOMES.get(language, "")


def device_of(agent: str) -> Device:
    """What a User-Agent is, as far as it decides how one can pay. Pages inside of apps know no Apple Pay."""
    if "MicroMessenger" in agent:
        return Device.WECHAT
    if "AlipayClient" in agent:
        return Device.ALIPAY
    if any(name in agent for name in ("iPhone", "iPad")) and "Safari/" in agent:
        return Device.APPLE
    is_mac = "Macintosh" in agent and "Version/" in agent and "Safari/" in agent
    return Device.APPLE if is_mac else Device.OTHER


def has_phone(agent: str) -> bool:
    """Whether a User-Agent is a phone's or a tablet's."""
    return any(name in agent for name in ("iPhone", "iPad", "Android", "Mobile"))


def time_at_home(moment: datetime, *, country: str) -> datetime | None:
    """A moment on the clocks of a country; None if it reads the same in Japan, or nobody knows."""
    if country not in _ZONES:
        return None
    there = moment.astimezone(ZoneInfo(_ZONES[country]))
    return there if there.utcoffset() != moment.astimezone(ZoneInfo(settings.TIME_ZONE)).utcoffset() else None
