# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.kernel.states import MoveNotAllowed, States

DOOR = States("door", "open", {"open": frozenset({"shut"}), "shut": frozenset({"open", "sold"}), "sold": frozenset()})


def test_only_moves_of_the_table_are_allowed() -> None:
    DOOR.check_move("shut", "sold")
    with pytest.raises(MoveNotAllowed) as refused:
        DOOR.check_move("sold", "open")
    assert str(refused.value) == "move-not-allowed (subject=door, source=sold, target=open)"


def test_a_table_names_each_of_its_states() -> None:
    with pytest.raises(ValueError, match="shut"):
        States("door", "open", {"open": frozenset({"shut"})})
    with pytest.raises(ValueError, match="ajar"):
        States("door", "ajar", {"open": frozenset()})
