# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from pytest_django import Settings

from tsuzuku.cards.actions import add_card
from tsuzuku.cards.models import Card, CardKind
from tsuzuku.cards.qr import card_qr_svg, renewal_address
from tsuzuku.kernel.iccid import Iccid

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_the_address_names_the_card_and_reveals_nothing(card: Card, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://renew.example.jp"
    address = renewal_address(card)
    assert address == f"https://renew.example.jp/c/{card.public_token}"
    assert len(card.public_token) == 16
    assert [digits for digits in (card.iccid, card.iccid[-8:], card.iccid[:8]) if digits in address] == []


@pytest.mark.django_db
def test_every_card_has_a_token_of_its_own() -> None:
    first = add_card(iccid=Iccid("8981200961153878263"), kind=CardKind.SIM, carrier="mynet", now=NOW)
    second = add_card(iccid=Iccid("8981200712316857581"), kind=CardKind.SIM, carrier="mynet", now=NOW)
    assert first.public_token != second.public_token


def test_the_qr_is_an_svg_with_a_title(card: Card) -> None:
    svg = ET.fromstring(card_qr_svg(card, title='续费 <b>"x"</b>'))
    assert (svg.tag, svg.attrib["class"], svg[0].tag, svg[0].text) == ("svg", "qr", "title", '续费 <b>"x"</b>')
    assert [part.tag for part in svg] == ["title", "path", "path"]
