# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.cards.number_set import NumberSet

numbers = st.one_of(st.integers(0, 2**64 - 2), st.integers(0, 50), st.sampled_from([0, 1, 2**63, 2**64 - 2]))


@given(st.lists(numbers))
def test_it_knows_what_was_added_as_a_set_does(added: list[int]) -> None:
    ours, pythons = NumberSet(), set[int]()
    for number in added:
        assert ours.add(number) == (number not in pythons)
        pythons.add(number)
    assert len(ours) == len(pythons)


def test_it_grows() -> None:
    ours = NumberSet()
    first = [ours.add(8_981_100_000_000_000_000 + number * 10) for number in range(20_000)]
    second = [ours.add(8_981_100_000_000_000_000 + number * 10) for number in range(20_000)]
    assert (all(first), any(second), len(ours)) == (True, False, 20_000)
