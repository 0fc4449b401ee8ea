# SPDX-License-Identifier: Apache-2.0
from tsuzuku.kernel.fingerprint import fingerprint


def test_order_does_not_matter_and_values_do() -> None:
    same = {fingerprint(plan="A", card=1, more={"b": 1, "a": 2}), fingerprint(card=1, more={"a": 2, "b": 1}, plan="A")}
    assert len(same) == 1
    others = {fingerprint(plan="A", card=value) for value in (1, "1", None, [1], 1.5)}
    assert len(others) == 5
