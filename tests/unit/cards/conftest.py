# SPDX-License-Identifier: Apache-2.0
"""Cards to try things with. Models are imported in the fixtures: Django is not ready yet when this file is read."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tsuzuku.kernel.iccid import Iccid

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def card(db: None) -> "Card":
    from tsuzuku.cards.actions import add_card
    from tsuzuku.cards.models import CardKind

    return add_card(iccid=Iccid("8981200961153878263"), kind=CardKind.SIM, carrier="mynet", pin="9652", now=NOW)


@pytest.fixture
def card_without_pin(db: None) -> "Card":
    from tsuzuku.cards.actions import add_card
    from tsuzuku.cards.models import CardKind

    return add_card(iccid=Iccid("8981200712316857581"), kind=CardKind.ESIM, carrier="mynet", now=NOW)
