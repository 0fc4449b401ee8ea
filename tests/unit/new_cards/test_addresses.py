# SPDX-License-Identifier: Apache-2.0
"""Postal addresses of five countries: what is taken however it is typed, and what is refused beside its part."""

import pytest

from tsuzuku.new_cards import address_lists as lists
from tsuzuku.new_cards.addresses import COUNTRIES, address_of, read_address
from tsuzuku.new_cards.errors import PostalAddressMalformed
from tsuzuku.project.environment import POST_COUNTRIES, SettingMalformed, env_postage

GOOD = {
    "JP": {
        "postal_code": "100-0001",
        "prefecture": "東京都",
        "city": "千代田区",
        "street": "千代田1-1",
        "building": "",
        "name": "山田 花子",
        "phone": "090-1234-5678",
    },
    "CN": {
        "province": "广东省",
        "city": "深圳市",
        "district": "南山区",
        "street": "科技路 1 号 2 栋 301",
        "postal_code": "518000",
        "name": "陈梅",
        "phone": "138 0013 8000",
    },
    "TW": {
        "postal_code": "100",
        "county": "臺北市",
        "district": "中正區",
        "street": "重慶南路一段 122 號",
        "name": "林小美",
        "phone": "0912 345 678",
    },
    "HK": {
        "region": "九龍",
        "district": "旺角",
        "street": "彌敦道 700 號",
        "building": "",
        "flat": "12/F B",
        "name": "Chan Tai Man",
        "phone": "5123 4567",
    },
    "KR": {
        "postal_code": "03187",
        "province": "서울특별시",
        "city": "종로구",
        "street": "세종대로 175",
        "detail": "",
        "name": "김민지",
        "phone": "010-1234-5678",
    },
}
PHONES = {"JP": "+819012345678", "CN": "+8613800138000", "TW": "+886912345678", "HK": "+85251234567"}
PHONES["KR"] = "+821012345678"


def mistakes(country: str, **typed: str) -> set[str]:
    """The parts that are refused when these are typed instead."""
    with pytest.raises(PostalAddressMalformed) as refused:
        read_address(country, GOOD[country] | typed)
    return set(refused.value.mistakes)


def test_the_settings_know_the_countries_of_the_forms() -> None:
    assert set(POST_COUNTRIES) == set(COUNTRIES) == set(GOOD)


@pytest.mark.parametrize("country", GOOD)
def test_an_address_is_read_kept_and_written_again(country: str) -> None:
    address = read_address(country, GOOD[country])
    assert address.parts == GOOD[country] | {"phone": PHONES[country]}
    assert list(address.parts) == [part.name for part in COUNTRIES[country].parts]
    assert address_of(address.written()) == address
    assert GOOD[country]["name"] not in repr(address)
    assert ("", "") not in address.lines()


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("JP", "1000001", "100-0001"),
        ("JP", "〒100-0001", "100-0001"),
        ("JP", "〒 １００ー０００１", "100-0001"),
        ("JP", "１００－０００１", "100-0001"),
        ("JP", "100–0001", "100-0001"),
        ("CN", "５１８０００", "518000"),
        ("CN", "518 000", "518000"),
        ("TW", "10058", "10058"),
        ("TW", "100-058", "100058"),
        ("TW", "１００", "100"),
        ("KR", "０３１８７", "03187"),
        ("KR", "03 187", "03187"),
    ],
)
def test_every_spelling_of_a_postal_code(country: str, typed: str, kept: str) -> None:
    assert read_address(country, GOOD[country] | {"postal_code": typed}).parts["postal_code"] == kept


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("JP", "100-000"),
        ("JP", "10000011"),
        ("JP", "ABC-DEFG"),
        ("JP", ""),
        ("CN", "51800"),
        ("TW", "1000"),
        ("TW", "10"),
        ("KR", "110-110"),
        ("KR", "٠٣١٨٧x"),
    ],
)
def test_what_is_no_postal_code(country: str, typed: str) -> None:
    assert mistakes(country, postal_code=typed) == {"postal_code"}


@pytest.mark.parametrize(
    ("country", "part", "typed"),
    [
        ("JP", "prefecture", "Tokyo"),
        ("CN", "province", "香港"),
        ("TW", "county", "台北"),
        ("HK", "region", "澳門"),
        ("KR", "province", ""),
        ("JP", "phone", "12"),
        ("CN", "phone", "010 6552 9988"),
        ("CN", "phone", "+81 90 1234 5678"),
        ("HK", "district", " 　 "),
        ("KR", "name", "김\u202e민지"),
        ("TW", "street", "路" * 81),
        ("JP", "name", "山田\x00"),
    ],
)
def test_what_is_refused_is_said_beside_it(country: str, part: str, typed: str) -> None:
    assert mistakes(country, **{part: typed}) == {part}


def test_names_are_taken_in_any_script_and_tidied() -> None:
    typed = GOOD["JP"] | {"name": "  Zoë　Müller ", "phone": "０３－３２１３－１１１１"}
    parts = read_address("JP", typed).parts
    assert (parts["name"], parts["phone"]) == ("Zoë Müller", "+81332131111")


def test_the_lists_are_whole() -> None:
    numbers = [
        len(set(each))
        for each in (
            lists.PREFECTURES_OF_JAPAN,
            lists.PROVINCES_OF_CHINA,
            lists.COUNTIES_OF_TAIWAN,
            lists.REGIONS_OF_HONG_KONG,
            lists.PROVINCES_OF_KOREA,
        )
    ]
    assert numbers == [47, 31, 22, 3, 17]


def test_postage_is_read_from_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSUZUKU_POSTAGE", "JP:370, TW:1200")
    assert env_postage("TSUZUKU_POSTAGE", "") == {"JP": 370, "TW": 1200}
    for wrong in ("US:1", "JP", "JP:-1", "JP:x"):
        monkeypatch.setenv("TSUZUKU_POSTAGE", wrong)
        with pytest.raises(SettingMalformed):
            env_postage("TSUZUKU_POSTAGE", "")
