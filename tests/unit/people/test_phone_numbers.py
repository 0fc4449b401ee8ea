# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.people.errors import PhoneCountryNotOffered, PhoneMalformed
from tsuzuku.people.phone_numbers import possible_numbers, read_number, shown_number, suggested_region

OFFERED = ("CN", "TW", "HK", "KR", "JP", "MO", "SG")


@pytest.mark.parametrize(
    ("region", "text", "number"),
    [
        ("CN", "13800138000", "+8613800138000"),
        ("CN", "138 0013 8000", "+8613800138000"),
        ("CN", "138-0013-8000", "+8613800138000"),
        ("CN", "１３８００１３８０００", "+8613800138000"),
        ("CN", "8613800138000", "+8613800138000"),
        ("JP", "+86 138 0013 8000", "+8613800138000"),
        ("JP", "0086 138 0013 8000", "+8613800138000"),
        ("JP", "010 86 138 0013 8000", "+8613800138000"),
        ("JP", "8613800138000", "+8613800138000"),
        ("CN", "＋86（138）0013－8000", "+8613800138000"),
        ("TW", "0912 345 678", "+886912345678"),
        ("TW", "0912-345-678", "+886912345678"),
        ("TW", "912345678", "+886912345678"),
        ("TW", "+886 (0)912 345 678", "+886912345678"),
        ("CN", "886912345678", "+886912345678"),
        ("HK", "5123 4567", "+85251234567"),
        ("HK", "852-51234567", "+85251234567"),
        ("KR", "010-2345-6789", "+821023456789"),
        ("KR", "+82 10 2345 6789", "+821023456789"),
        ("KR", "+82-010-2345-6789", "+821023456789"),
        ("KR", "1023456789", "+821023456789"),
        ("JP", "090-1234-5678", "+819012345678"),
        ("JP", "０９０ー１２３４ー５６７８", "+819012345678"),
        ("JP", "(080) 1234 5678", "+818012345678"),
        ("JP", "070.1234.5678", "+817012345678"),
        ("JP", "+81 (0)90-1234-5678", "+819012345678"),
        ("CN", "0081 90 1234 5678", "+819012345678"),
        ("JP", "819012345678", "+819012345678"),
        ("SG", "8123 4567", "+6581234567"),
    ],
)
def test_a_number_in_every_usual_spelling(region: str, text: str, number: str) -> None:
    assert read_number(text, region=region, offered=OFFERED) == number


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("CN", ""),
        ("CN", "+"),
        ("CN", "1380013800"),
        ("CN", "138001380000"),
        ("CN", "010 6552 9988"),
        ("JP", "03-1234-5678"),
        ("JP", "0120-123-456"),
        ("JP", "0990-123-456"),
        ("JP", "050-1234-5678"),
        ("JP", "110"),
        ("KR", "02-123-4567"),
        ("KR", "060-700-1234"),
        ("HK", "2123 4567"),
        ("CN", "mei@example.com"),
        ("CN", "138oo138000"),
        ("CN", "1" * 5000),
        ("CN", "\x00"),
    ],
)
def test_what_gets_no_sms_is_no_number(region: str, text: str) -> None:
    with pytest.raises(PhoneMalformed):
        read_number(text, region=region, offered=OFFERED)


@pytest.mark.parametrize("text", ["+1 202 555 0123", "+44 7700 900123", "+62 812 3456 7890", "+7 912 345 67 89"])
def test_only_countries_that_are_offered(text: str) -> None:
    with pytest.raises((PhoneCountryNotOffered, PhoneMalformed)):
        read_number(text, region="CN", offered=OFFERED)


def test_a_country_that_is_not_offered_is_told_so() -> None:
    with pytest.raises(PhoneCountryNotOffered):
        read_number("+62 812 3456 7890", region="CN", offered=OFFERED)


def test_what_a_text_may_mean_is_looked_up() -> None:
    assert possible_numbers("090-1234-5678", regions=OFFERED) == ("+819012345678",)
    assert possible_numbers("13800138000", regions=("JP", "CN")) == ("+8613800138000",)
    assert possible_numbers("rubbish", regions=OFFERED) == ()


@pytest.mark.parametrize(
    ("accept", "language", "region"),
    [
        ("zh-TW,zh;q=0.9,en-US;q=0.8", "zh-hans", "TW"),
        ("zh-Hant-HK", "en", "HK"),
        ("en-US,ko-KR", "en", "KR"),
        ("ja", "ja", "JP"),
        ("zh", "zh-hant", "TW"),
        ("", "en", "CN"),
        ("fr-FR", "en", "CN"),
    ],
)
def test_the_browser_suggests_a_country(accept: str, language: str, region: str) -> None:
    assert suggested_region(accept_language=accept, language=language, offered=OFFERED) == region


def test_a_number_is_shown_in_groups() -> None:
    assert shown_number("+819012345678") == "+81 90-1234-5678"
