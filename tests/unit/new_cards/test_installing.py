# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.new_cards.installing import installation


def test_a_code_is_taken_apart_and_leads_into_phones() -> None:
    found = installation("LPA:1$smdp.example.com$K2-ABC")
    assert (found.address, found.matching_id, found.asks_confirmation) == ("smdp.example.com", "K2-ABC", False)
    assert found.apple_link == (
        "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=LPA:1$smdp.example.com$K2-ABC"
    )
    assert found.android_link == found.apple_link.replace("apple", "android")


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("LPA:1$smdp.example.com$", False),
        ("LPA:1$smdp.example.com:8443$K2$1.3.6.1", False),
        ("LPA:1$smdp.example.com$K2$$1", True),
        ("LPA:1$smdp.example.com$K2$1.3.6.1$1", True),
        ("LPA:1$smdp.example.com$K2$1.3.6.1$0", False),
    ],
)
def test_a_code_says_whether_a_confirmation_code_is_asked_for(code: str, asks: bool) -> None:
    assert installation(code).asks_confirmation is asks


def test_nothing_of_a_code_is_shown_by_chance() -> None:
    assert "K2" not in repr(installation("LPA:1$smdp.example.com$K2"))
