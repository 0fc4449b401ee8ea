# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.kernel.registry import Registry


def test_holds_things_by_name_in_order() -> None:
    registry: Registry[str, int] = Registry("number")
    registry.register("one", 1)
    registry.register("two", 2)
    assert registry["two"] == 2
    assert list(registry.all().items()) == [("one", 1), ("two", 2)]


def test_a_name_is_taken_once() -> None:
    registry: Registry[str, int] = Registry("number")
    registry.register("one", 1)
    with pytest.raises(ValueError, match="already a number named one"):
        registry.register("one", 2)


def test_says_what_is_missing() -> None:
    registry: Registry[str, int] = Registry("number")
    with pytest.raises(KeyError, match="no number named three"):
        registry["three"]


def test_another_one_stands_in_for_a_while() -> None:
    registry: Registry[str, int] = Registry("number")
    registry.register("one", 1)
    with registry.using("one", 11), registry.using("two", 22):
        assert registry.all() == {"one": 11, "two": 22}
    assert registry.all() == {"one": 1}
