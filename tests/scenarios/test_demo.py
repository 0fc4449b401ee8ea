# SPDX-License-Identifier: Apache-2.0
"""The demo's cards are what the demo says of them, and its books are in order."""

import re
from typing import Any

import pytest
from django.test import Client

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.cards.models import Card
from tsuzuku.kernel import clock
from tsuzuku.project.audit import findings
from tsuzuku.project.demo import MB, PIN, demo_cards, demo_iccid, is_made, make_demo


@pytest.fixture
def cards(db: None, settings: Any) -> list[Card]:  # noqa: ANN401  # of pytest-django
    settings.POSTAGE_YEN = {"HK": 1200}
    make_demo(on_progress=lambda _: None)
    return [Card.objects.get(iccid=demo_iccid(number)) for number in range(1, len(demo_cards(clock.now().date())) + 1)]


def test_cards_are_what_the_demo_says(cards: list[Card]) -> None:
    now = clock.now()
    states = [[str(lot.state) for lot in card_allowance(card.pk, now=now).lots] for card in cards]
    assert states == [
        ["running"],
        ["running", "running", "waiting"],
        ["running"],
        ["used_up"],
        ["running", "waiting"],
        ["waiting"],
        ["expired"],
        ["running", "running", "running"],
        [],
        ["running"],
        [],
    ]
    assert card_allowance(cards[0].pk, now=now).remaining_bytes == 40 * MB
    assert card_allowance(cards[2].pk, now=now).daily_remaining_bytes == 0
    assert is_made()
    assert findings() == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_of_every_card_can_be_read(cards: list[Card], client: Client, language: str) -> None:
    client.cookies["tsuzuku_language"] = language
    for card in cards:
        client.post("/open", {"number": card.iccid, "pin": PIN})
        page = f"/c/{card.public_token}"
        plans = client.get(f"{page}/plans")
        assert (client.get(page).status_code, plans.status_code) == (200, 200)
        for details in ("usage", "history"):
            assert client.get(f"{page}/{details}").status_code == 200
        for link in sorted(set(re.findall(rf"{page}/renew/[A-Z0-9-]+", plans.content.decode()))):
            assert client.get(link).status_code == 200, link
