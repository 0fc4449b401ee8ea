# SPDX-License-Identifier: Apache-2.0
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.kernel.sealing import derived_key, seal, unseal


@given(st.text(), st.text())
def test_a_sealed_text_comes_back_as_it_was(text: str, belongs_to: str) -> None:
    kept = seal(text, secret="s", purpose="p", belongs_to=belongs_to)
    assert unseal(kept, secret="s", purpose="p", belongs_to=belongs_to) == text


@pytest.mark.parametrize("changed", ["secret", "purpose", "belongs_to"])
def test_another_secret_purpose_or_owner_reads_nothing(changed: str) -> None:
    sealed_under = {"secret": "s", "purpose": "p", "belongs_to": "b"}
    kept = seal("text", **sealed_under)
    with pytest.raises(InvalidTag):
        unseal(kept, **{**sealed_under, changed: "another"})


def test_a_key_is_the_same_for_ever() -> None:
    # Were it another after an upgrade, no PIN would fit any more and nothing sealed could be read.
    assert derived_key("secret", "cards pin", 8).hex() == "025427f88544538f"
