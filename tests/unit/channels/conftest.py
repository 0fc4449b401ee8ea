# SPDX-License-Identifier: Apache-2.0
"""A house, people in it, and their browsers. Models are imported in the fixtures: Django is not ready yet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

PASSWORD = "correct horse battery"
PIN = "1234"


@pytest.fixture(autouse=True)
def _shared_cache(db: None) -> None:
    """The table that allauth's rate limits count in."""
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)


@pytest.fixture
def house(db: None) -> "Iterator[House]":
    from tsuzuku.testing.house import open_house

    with open_house() as house:
        yield house


@pytest.fixture
def plan(db: None) -> "Plan":
    from tsuzuku.testing.factories import make_plan

    return make_plan()


@pytest.fixture
def card(db: None) -> "Card":
    from tsuzuku.testing.factories import make_card

    return make_card(pin=PIN)


def make_user(email: str, **fields: object) -> "User":
    from allauth.account.models import EmailAddress

    from tsuzuku.people.models import User

    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@pytest.fixture
def holder(card: "Card") -> "User":
    """Who holds the card."""
    from tsuzuku.cards.actions import hold_card
    from tsuzuku.kernel import clock

    user = make_user("mei@example.com")
    hold_card(user=user, card=card, name="Mei’s phone", now=clock.now())
    return user


@pytest.fixture
def stranger(db: None) -> "User":
    """Another customer."""
    return make_user("stranger@example.com")


def logged_in(user: "User") -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def of_holder(holder: "User") -> Client:
    """The holder's browser."""
    return logged_in(holder)


@pytest.fixture
def of_stranger(stranger: "User") -> Client:
    """Another customer's browser."""
    return logged_in(stranger)


@pytest.fixture
def with_pin(card: "Card") -> Client:
    """A browser in which the card was opened with its PIN."""
    client = Client()
    answer = client.post("/open", {"number": card.iccid, "pin": PIN})
    assert answer.status_code == 302
    return client
