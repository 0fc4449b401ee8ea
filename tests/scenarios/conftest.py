# SPDX-License-Identifier: Apache-2.0
"""Every story is told in a house whose books must be in order when it ends."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # models can be imported only once the settings are there
    from tsuzuku.testing.house import House, Story


@pytest.fixture
def house(db: None) -> "Iterator[House]":
    from tsuzuku.project.audit import findings
    from tsuzuku.testing.house import open_house

    with open_house() as house:
        yield house
        assert findings() == []


@pytest.fixture
def story() -> "Story":
    from tsuzuku.testing.house import Story

    return Story()
