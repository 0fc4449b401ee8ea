# SPDX-License-Identifier: Apache-2.0
"""Which phone somebody holds, and what its guide says."""

import pytest
from django.conf import settings
from django.utils import translation

from tsuzuku.channels.web.help.guides import guide
from tsuzuku.channels.web.help.menus import DATA_SWITCHING, MENUS, Task, Words
from tsuzuku.channels.web.help.phones import PHONES, likely_first, likely_phone
from tsuzuku.kernel.access_points import AccessPoint

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
LANGUAGES = [code for code, _ in settings.LANGUAGES]


@pytest.mark.parametrize(
    ("agent", "slug"),
    [
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT} Version/18.6 Mobile/15E148", "iphone"),
        (f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {WEBKIT} CriOS/126.0.6478.35 Mobile/15E148", "iphone"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 8a) {CHROME}", "pixel"),
        (f"Mozilla/5.0 (Linux; Android 14; SM-S921N) {CHROME}", "galaxy"),
        (f"Mozilla/5.0 (Linux; Android 10; K) SamsungBrowser/28.0 {CHROME}", "galaxy"),
        (f"Mozilla/5.0 (Linux; Android 13; SC-51C) {CHROME}", "galaxy"),
        (f"Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23049RAD8C Build/UKQ1) {CHROME} XiaoMi/MiuiBrowser/18", "xiaomi"),
        (f"Mozilla/5.0 (Linux; Android 13; 2201116SG) {CHROME}", "xiaomi"),
        (f"Mozilla/5.0 (Linux; Android 12; M2101K6G) {CHROME}", "xiaomi"),
        (f"Mozilla/5.0 (Linux; Android 12; Redmi Note 11) {CHROME}", "xiaomi"),
        (f"Mozilla/5.0 (Linux; Android 10; VOG-L29; HMSCore 6.13) {CHROME} HuaweiBrowser/15.0", "huawei"),
        (f"Mozilla/5.0 (Linux; Android 12; ALN-AL80) {CHROME} MicroMessenger/8.0", "huawei"),
        (f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {CHROME} ArkWeb/4.1 Mobile HuaweiBrowser/5.1", "huawei"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}", "android"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "android"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.6 Safari/605.1.15", ""),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Pixel SM-S921N", ""),
        ("", ""),
    ],
)
def test_a_browser_tells_what_phone_it_is_on(agent: str, slug: str) -> None:
    assert likely_phone(agent) == slug


@pytest.mark.parametrize(
    ("model", "slug"), [('"Pixel 9"', "pixel"), ('"SM-A556E"', "galaxy"), ('"23127PN0CG"', "xiaomi"), ('""', "android")]
)
def test_chrome_names_the_model_in_a_header_of_its_own(model: str, slug: str) -> None:
    assert likely_phone(f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}", model=model) == slug


def test_the_likely_phone_comes_first_and_the_others_stay_in_order() -> None:
    order = ["huawei", "iphone", "pixel", "galaxy", "xiaomi", "android"]
    assert [phone.slug for phone in likely_first("huawei")] == order
    assert [phone.slug for phone in likely_first("")] == list(PHONES)


def test_every_phone_has_words_for_everything_in_every_language() -> None:
    assert {slug: set(menus) for slug, menus in MENUS.items()} == {slug: set(Task) for slug in PHONES}
    words = [stop for menus in MENUS.values() for way in menus.values() for stop in way.stops]
    assert [stop for stop in words if isinstance(stop, Words) and not all(_in_every_language(stop))] == []


def _in_every_language(words: Words) -> list[str]:
    return [words.en, words.zh_hans, words.zh_hant, words.ja, words.ko]


@pytest.mark.parametrize(
    ("language", "way"),
    [
        ("en", "Settings Cellular [this SIM] Data Roaming"),
        ("zh-hans", "设置 蜂窝网络 ［这张 SIM］ 数据漫游"),
        ("zh-hant", "設定 行動服務 ［這張 SIM］ 數據漫遊"),
        ("ja", "設定 モバイル通信 ［このSIM］ データローミング"),
        ("ko", "설정 셀룰러 [이 SIM] 데이터 로밍"),
    ],
)
def test_menus_are_quoted_as_the_phone_shows_them(language: str, way: str) -> None:
    with translation.override(language):
        assert " ".join(map(str, MENUS["iphone"][Task.ROAMING].stops)) == way


@pytest.mark.parametrize("slug", PHONES)
def test_a_guide_leads_from_the_card_to_the_hotspot(slug: str) -> None:
    parts = guide(PHONES[slug])
    anchors = ["card", "esim", "line", "roaming", "restart", "apn", "use", "hotspot"]
    assert [part.anchor for part in parts] == anchors
    ways = [step.way for part in parts for step in part.steps if step.way]
    assert [way for way in ways if str(DATA_SWITCHING) not in map(str, way.stops)] == list(MENUS[slug].values())


@pytest.mark.parametrize(
    ("access_point", "told"),
    [
        (None, ["Enter the APN printed on the card’s package, or told with your eSIM."]),
        (AccessPoint("internet.example"), ["Enter as APN: internet.example"]),
        (
            AccessPoint("internet.example", "me", "secret"),
            ["Enter as APN: internet.example", "Enter as user name: me, as password: secret"],
        ),
    ],
)
def test_the_access_point_is_told_where_every_card_has_the_same(
    access_point: AccessPoint | None, told: list[str]
) -> None:
    part = next(part for part in guide(PHONES["pixel"], access_point) if part.anchor == "apn")
    assert [step.text for step in part.steps][1:-1] == told
