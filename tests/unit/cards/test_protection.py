# SPDX-License-Identifier: Apache-2.0
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tsuzuku.cards.models import Card
from tsuzuku.cards.protection import concealed_activation_code, pin_hash, reveal_activation_code
from tsuzuku.kernel.iccid import Iccid

ICCID, OTHER = Iccid("8981200961153878263"), Iccid("8981200712316857581")
CODE = "LPA:1$rsp.example.jp$YP7P5K6MLUTCBYU3"


@given(st.text())
def test_an_activation_code_comes_back_as_it_was(code: str) -> None:
    card = Card(iccid=ICCID, activation_code_encrypted=concealed_activation_code(ICCID, code))
    assert reveal_activation_code(card) == code


def test_a_card_without_activation_code_reveals_none() -> None:
    assert reveal_activation_code(Card(iccid=ICCID)) is None


def test_the_same_code_on_the_same_card_is_the_same_bytes_and_on_another_card_others() -> None:
    kept = concealed_activation_code(ICCID, CODE)
    assert kept == concealed_activation_code(ICCID, CODE)
    assert len({kept, concealed_activation_code(OTHER, CODE), concealed_activation_code(ICCID, CODE + "4")}) == 3
    assert b"rsp.example.jp" not in kept


def test_bytes_of_another_card_or_another_installation_reveal_nothing(settings: Settings) -> None:
    kept = concealed_activation_code(ICCID, CODE)
    with pytest.raises(InvalidTag):
        reveal_activation_code(Card(iccid=OTHER, activation_code_encrypted=kept))
    with pytest.raises(InvalidTag):
        reveal_activation_code(Card(iccid=ICCID, activation_code_encrypted=kept[:-1] + bytes([kept[-1] ^ 1])))
    settings.INSTALLATION_SECRET = "another secret"
    with pytest.raises(InvalidTag):
        reveal_activation_code(Card(iccid=ICCID, activation_code_encrypted=kept))


def test_a_pin_is_kept_as_a_hash_of_card_pin_and_installation(settings: Settings) -> None:
    kept = pin_hash(ICCID, "1234")
    assert (len(kept), kept) == (32, pin_hash(ICCID, "1234"))
    others = {pin_hash(OTHER, "1234"), pin_hash(ICCID, "1235"), pin_hash(ICCID + "1", "234")}
    settings.INSTALLATION_SECRET = "another secret"
    assert len({kept, pin_hash(ICCID, "1234"), *others}) == 5


def test_a_card_shows_four_digits_wherever_it_is_printed() -> None:
    card = Card(iccid=ICCID, pin_hash=b"secret", activation_code_encrypted=b"secret")
    assert (str(card), repr(card), f"{card}") == ("…8263", "<Card: …8263>", "…8263")
