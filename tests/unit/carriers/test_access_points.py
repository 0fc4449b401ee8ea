# SPDX-License-Identifier: Apache-2.0
import pytest
from pytest_django import Settings

from tsuzuku.carriers.access_points import access_point_of, common_access_point
from tsuzuku.kernel.access_points import AccessPoint, parse_access_points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("", {}),
        ("internet.example", {"": AccessPoint("internet.example")}),
        ("a.example me@a s=cret", {"": AccessPoint("a.example", "me@a", "s=cret")}),
        (
            "net-a = a.example me secret, hk=b.example,c.example,",
            {
                "net-a": AccessPoint("a.example", "me", "secret"),
                "hk": AccessPoint("b.example"),
                "": AccessPoint("c.example"),
            },
        ),
    ],
)
def test_reads_what_a_phone_has_to_be_told(text: str, points: dict[str, AccessPoint]) -> None:
    assert parse_access_points(text) == points


@pytest.mark.parametrize(
    "text", ["a.example user", "a..b.", "网络", "a.example,b.example", "x=a.example,x=b.example", "x="]
)
def test_refuses_what_is_no_access_point(text: str) -> None:
    with pytest.raises(ValueError, match="not an access point"):
        parse_access_points(text)


def test_a_carrier_without_one_of_its_own_has_that_of_all(settings: Settings) -> None:
    settings.ACCESS_POINTS = parse_access_points("a=a.example,b.example")
    assert access_point_of("a") == AccessPoint("a.example")
    assert access_point_of("other") == AccessPoint("b.example")
    settings.ACCESS_POINTS = parse_access_points("a=a.example")
    assert access_point_of("other") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("", None), ("a.example", "a.example"), ("x=a.example,y=a.example", "a.example"), ("x=a.example,b.example", None)],
)
def test_without_a_card_only_what_holds_for_all_is_told(settings: Settings, text: str, name: str | None) -> None:
    settings.ACCESS_POINTS = parse_access_points(text)
    common = common_access_point()
    assert (common.name if common else None) == name
