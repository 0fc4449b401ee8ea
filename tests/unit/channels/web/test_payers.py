# SPDX-License-Identifier: Apache-2.0
"""What a browser tells of who holds it."""

from datetime import UTC, datetime

import pytest

from tsuzuku.channels.web.payers import country_of, device_of, has_phone, time_at_home
from tsuzuku.payments.methods import Device

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Safari/605.1.15"
)
MAC_CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.mark.parametrize(
    ("accepted", "language", "country"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-hans", "CN"),
        ("zh-Hans-SG,zh;q=0.9", "zh-hans", "SG"),
        ("zh", "zh-hans", "CN"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8", "en", "TW"),
        ("zh-Hant;q=0.9,en;q=0.1", "en", "TW"),
        ("zh-Hant-HK", "en", "HK"),
        # Reads Chinese on a phone set to English: the choice tells more than the phone.
        ("en-US,en;q=0.9", "zh-hans", "CN"),
        ("en-GB,zh-SG;q=0.5", "zh-hans", "SG"),
        # No texts of ours in Japanese yet: the page is English, the reader is not.
        ("ja-JP,ja;q=0.9,en-US;q=0.8", "en", "JP"),
        ("ja", "en", "JP"),
        ("ko,en;q=0.5", "en", "KR"),
        ("en-US,en;q=0.9", "en", "US"),
        ("en;q=0.4, de-DE;q=0.9", "en", "DE"),
        ("en", "en", ""),
        ("", "en", ""),
        ("*", "en", ""),
        ("fr;q=x,es-419", "en", ""),
        ("en-US;q=0, fr-FR", "en", "FR"),
    ],
)
def test_where_somebody_comes_from(accepted: str, language: str, country: str) -> None:
    assert country_of(accepted, language=language) == country


@pytest.mark.parametrize(
    ("agent", "device", "phone"),
    [
        (IPHONE, Device.APPLE, True),
        (MAC, Device.APPLE, False),
        (MAC_CHROME, Device.OTHER, False),
        (ANDROID, Device.OTHER, True),
        (WINDOWS, Device.OTHER, False),
        (f"{IPHONE} MicroMessenger/8.0.54(0x1800362e) NetType/WIFI Language/zh_CN", Device.WECHAT, True),
        (f"{ANDROID} NebulaSDK/1.8 AlipayClient/10.6.60 Language/zh-Hans", Device.ALIPAY, True),
        ("", Device.OTHER, False),
    ],
)
def test_what_they_hold(agent: str, device: Device, phone: bool) -> None:
    assert (device_of(agent), has_phone(agent)) == (device, phone)


@pytest.mark.parametrize(
    ("country", "hour"), [("CN", 22), ("TW", 22), ("TH", 21), ("GB", 14), ("KR", None), ("JP", None), ("US", None)]
)
def test_the_deadline_on_the_clock_at_home(country: str, hour: int | None) -> None:
    at = time_at_home(datetime(2026, 11, 24, 14, 59, tzinfo=UTC), country=country)
    assert (at.hour if at else None) == hour
