# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from tsuzuku.cards.actions import add_card, block_card, hold_card, release_card, rename_card
from tsuzuku.cards.errors import CardNameMalformed, CardUnknown
from tsuzuku.cards.models import Blocked, Card, CardHolder, CardKind
from tsuzuku.cards.queries import card_by_iccid, card_by_token, cards_of, holds
from tsuzuku.kernel.iccid import Iccid, IccidCheckDigit
from tsuzuku.people.models import User

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def lin(db: None) -> User:
    return User.objects.create_user("lin@example.com")


@pytest.fixture
def mei(db: None) -> User:
    return User.objects.create_user("mei@example.com")


def test_holding_a_card_twice_is_holding_it_once(lin: User, card: Card) -> None:
    first = hold_card(user=lin, card=card, name=" 妈妈的卡 ", now=NOW)
    second = hold_card(user=lin, card=card, name="another", now=NOW + timedelta(days=1))
    assert (first.name, str(first), first.since) == ("妈妈的卡", "妈妈的卡", NOW)
    assert list(CardHolder.objects.all()) == [first] == [second]
    assert holds(lin, card)


def test_a_card_may_have_several_holders_and_a_holder_several_cards(
    lin: User, mei: User, card: Card, card_without_pin: Card
) -> None:
    mine = hold_card(user=lin, card=card_without_pin, now=NOW)
    also_mine = hold_card(user=lin, card=card, now=NOW + timedelta(seconds=1))
    hers = hold_card(user=mei, card=card, now=NOW)
    assert (list(cards_of(lin)), list(cards_of(mei))) == ([mine, also_mine], [hers])
    assert [holds(mei, each) for each in (card, card_without_pin)] == [True, False]
    assert str(hers) == "…8263"


@pytest.mark.parametrize("held", [1, 3])
def test_the_cards_of_a_person_are_one_query(
    lin: User, held: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in ("8981200961153878263", "8981200712316857581", "8981100315814104232")[:held]:
        hold_card(user=lin, card=add_card(iccid=Iccid(number), kind=CardKind.SIM, carrier="mynet", now=NOW), now=NOW)
    with django_assert_num_queries(1):
        assert len([holder.card.iccid for holder in cards_of(lin)]) == held


def test_renaming_and_releasing(lin: User, mei: User, card: Card) -> None:
    hold_card(user=lin, card=card, now=NOW)
    rename_card(user=lin, card=card, name="Phone 2 ")
    assert [holder.name for holder in cards_of(lin)] == ["Phone 2"]
    release_card(user=lin, card=card, now=NOW)
    assert not holds(lin, card)
    with pytest.raises(CardUnknown):
        release_card(user=lin, card=card, now=NOW)
    with pytest.raises(CardUnknown):
        rename_card(user=mei, card=card, name="x")


def test_a_formula_is_no_name(lin: User, card: Card) -> None:
    with pytest.raises(CardNameMalformed) as refused:
        hold_card(user=lin, card=card, name=" =HYPERLINK(1)", now=NOW)
    assert str(refused.value) == "card-name-malformed"
    assert not holds(lin, card)
    hold_card(user=lin, card=card, name="x", now=NOW)
    with pytest.raises(CardNameMalformed):
        rename_card(user=lin, card=card, name="@SUM(A1)")


def test_cards_are_found_by_number_and_by_token(card: Card) -> None:
    assert card_by_iccid("8981 2009 6115 3878 263") == card == card_by_token(card.public_token)
    with pytest.raises(CardUnknown):
        card_by_iccid("8981200712316857581")
    with pytest.raises(IccidCheckDigit):
        card_by_iccid("8981200712316857582")
    for token in ("", "x", card.iccid, card.public_token + "x", "\x00" * 16, "\ud800" * 16):
        with pytest.raises(CardUnknown):
            card_by_token(token)


def test_adding_a_known_card_leaves_it(card: Card) -> None:
    again = add_card(
        iccid=Iccid(card.iccid), kind=CardKind.ESIM, carrier="mynet", pin="1111", group="x", now=NOW + timedelta(days=1)
    )
    assert again == card
    assert (again.kind, again.group, again.created_at) == (CardKind.SIM, "", NOW)


def test_blocking_and_taking_it_back(card: Card) -> None:
    for blocked in (Blocked.SUSPENDED, Blocked.LOST, Blocked.NO):
        block_card(card=card, blocked=blocked)
        assert (card.blocked, Card.objects.get().blocked) == (blocked, blocked)
