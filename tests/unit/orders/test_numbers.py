# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.orders.numbers import ALPHABET, check_character, new_number, parse_number

numbers = st.text(ALPHABET, min_size=9, max_size=9).map(lambda body: body + check_character(body))


@given(numbers)
def test_a_number_is_read_in_any_spelling(number: str) -> None:
    stored = f"{number[:5]}-{number[5:]}"
    assert parse_number(f" {number[:5].lower()} {number[5:]} ") == stored
    assert parse_number(stored) == stored


@given(numbers, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(number: str, place: int, character: str) -> None:
    wrong = number[:place] + character + number[place + 1 :]
    assert (parse_number(wrong) is None) == (wrong != number)


@given(numbers, st.integers(0, 8))
def test_every_swap_of_neighbours_is_found(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert (parse_number(swapped) is None) == (swapped != number)


@pytest.mark.parametrize("text", ["", "4KX9P", "4KX9P-7TRWC-3", "OOOOO-OOOOO", "４ＫＸ９Ｐ"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


def test_new_numbers_are_valid_and_differ() -> None:
    made = {new_number() for _ in range(100)}
    assert len(made) == 100
    assert {parse_number(number) for number in made} == made
