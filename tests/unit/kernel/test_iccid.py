# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.kernel.iccid import IccidCheckDigit, IccidMalformed, masked, parse_iccid
from tsuzuku.kernel.luhn import luhn_digit

bodies = st.text("0123456789", min_size=18, max_size=18)
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def test_the_example_of_the_standard() -> None:
    # Luhn's own example: 7992739871 has the check digit 3.
    assert luhn_digit("7992739871") == "3"


@given(bodies)
def test_every_way_of_writing_a_number_is_the_same_number(body: str) -> None:
    number = body + luhn_digit(body)
    grouped = " ".join(number[start : start + 4] for start in range(0, 19, 4))
    ways = [
        number, body, number + "F", number + "f", number + "Ｆ", number.translate(WIDE), grouped,
        grouped.translate(WIDE),
        "-".join((number[:6], number[6:])), "ー".join((number[:6], number[6:])), f"'{number}", f"’{number}",
        f"  {number}\t", f"\u200b{number}\ufeff", number.replace("", "\u3000").strip(),
    ]  # fmt: skip
    assert {parse_iccid(way) for way in ways} == {number}


@given(bodies, st.integers(0, 18), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(body: str, place: int, shift: int) -> None:
    number = body + luhn_digit(body)
    wrong = str((int(number[place]) + shift) % 10)
    with pytest.raises(IccidCheckDigit):
        parse_iccid(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "8", "8.98111E+18", "89811002374110455450", "898110023741104554FF",
        "898110023741104554F", "898110023741104555X", "=8981100237411045554", "F8981100237411045554", "八九八一",
        "8981100237411045554\x00", "8" * 200, " " * 101,
    ],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(IccidMalformed) as refused:
        parse_iccid(text)
    assert str(refused.value) == "iccid-malformed"


def test_the_refusal_never_repeats_the_number() -> None:
    with pytest.raises(IccidCheckDigit) as refused:
        parse_iccid("8981100237411045546")
    assert (str(refused.value), refused.value.particulars) == ("iccid-check-digit", {})


def test_only_the_last_digits_are_shown() -> None:
    assert masked("8981100237411045554") == "…5554"
