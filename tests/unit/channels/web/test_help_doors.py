# SPDX-License-Identifier: Apache-2.0
"""Which doors an installation has, and which of them suit a wish."""

import pytest

from tsuzuku.channels.web.help.doors import DOORS, Installation, Wish, suiting, toggled, wishes_of

EVERYTHING = Installation(frozenset({"card", "konbini", "alipay"}), has_sellers=True)
CARDS_ONLY = Installation(frozenset({"card"}), has_sellers=False)


def slugs(installation: Installation, *wishes: Wish, language: str = "en") -> list[str]:
    return [door.slug for door in suiting(installation, wishes, language=language)]


def test_only_what_an_installation_has_is_shown() -> None:
    assert slugs(EVERYTHING) == [door.slug for door in DOORS]
    assert slugs(CARDS_ONLY) == ["website", "friend", "automatic"]


@pytest.mark.parametrize(
    ("wishes", "found"),
    [
        ([Wish.CASH], ["store", "friend", "automatic"]),
        ([Wish.FOREIGN_CARD], ["website", "friend", "automatic"]),
        ([Wish.LANGUAGE], ["website", "friend", "automatic"]),
        ([Wish.NIGHT], ["website", "store", "friend", "automatic"]),
        ([Wish.NO_DATA], ["friend", "automatic", "seller"]),
        ([Wish.CASH, Wish.NO_DATA], ["friend", "automatic"]),
    ],
)
def test_a_door_fulfils_every_wish(wishes: list[Wish], found: list[str]) -> None:
    assert slugs(EVERYTHING, *wishes) == found


def test_a_store_speaks_japanese() -> None:
    assert "store" in slugs(EVERYTHING, Wish.LANGUAGE, language="ja")


def test_without_a_method_nothing_takes_its_money() -> None:
    wallets = Installation(frozenset({"alipay", "wechat_pay"}), has_sellers=False)
    assert slugs(wallets, Wish.CASH) == slugs(wallets, Wish.FOREIGN_CARD) == []


def test_addresses_carry_wishes() -> None:
    assert wishes_of(["night", "nonsense", "cash", "cash"]) == [Wish.CASH, Wish.NIGHT]
    assert toggled([Wish.CASH], Wish.NIGHT) == "want=cash&want=night"
    assert toggled([Wish.CASH, Wish.NIGHT], Wish.CASH) == "want=night"
    assert toggled([Wish.CASH], Wish.CASH) == ""
