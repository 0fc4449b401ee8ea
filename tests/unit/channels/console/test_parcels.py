# SPDX-License-Identifier: Apache-2.0
"""Packing and sending cards: who sees where to, what each step leaves in the trail, and what is refused."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.console.conftest import do
from tests.unit.channels.console.test_acting import trail

if TYPE_CHECKING:
    from tsuzuku.new_cards.models import Parcel

pytestmark = pytest.mark.django_db


def test_support_packs_and_ships_and_the_trail_says_so(
    parcel: "Parcel", as_role: Callable[[str], Client], django_assert_max_num_queries: Callable[[int], object]
) -> None:
    support, number = as_role("support"), parcel.new_card.order.number
    page = f"/console/parcels/{parcel.pk}"
    seen = html.unescape(support.get(page).content.decode())
    for text in ("100-0001", "東京都", "山田 花子", parcel.new_card.card.iccid):
        assert text in seen
    assert "山田" not in support.get("/console/parcels/").content.decode()
    assert number in support.get(f"/console/parcels/?q={number}").content.decode()
    assert do(support, f"{page}/pack") == "Done: Mark as packed."
    assert "There is nothing to do here any more." in support.get(f"{page}/pack", follow=True).content.decode()
    asked = {"key": "0b5c1b51-5a44-4a7e-8d0a-0c62ef5b1f2d", "reason": "r", "carrier": "EMS", "tracking_number": "?"}
    assert "number of 6 to 40 letters" in support.post(f"{page}/ship", asked).content.decode()
    assert do(support, f"{page}/ship", carrier="EMS", tracking_number="ee 123 456 789 jp") == "Done: Mark as shipped."
    parcel.refresh_from_db()
    assert (parcel.state, parcel.tracking_number) == ("shipped", "EE123456789JP")
    actor = f"staff:{parcel.moves.latest('pk').actor.removeprefix('staff:')}"
    assert trail() == [(actor, deed, f"order:{number}", "they asked") for deed in ("pack", "ship")]


def test_a_parcel_that_is_stopped_has_no_address_any_more(parcel: "Parcel", manager: Client) -> None:
    page = f"/console/parcels/{parcel.pk}"
    assert do(manager, f"{page}/stop-parcel") == "Done: Do not send it."
    seen = manager.get(page).content.decode()
    assert ("山田" not in seen, "deleted" in seen) == (True, True)
