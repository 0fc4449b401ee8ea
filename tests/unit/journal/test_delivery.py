# SPDX-License-Identifier: Apache-2.0
"""Facts are told once, in order, and a bad one keeps back only itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import transaction

from tsuzuku.journal import listeners
from tsuzuku.journal.actions import deliver_facts, is_due, listeners_due, record_facts
from tsuzuku.journal.events import Event
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.journal.models import Delivery, Fact
from tsuzuku.kernel import clock

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Rang(Event):
    """A bell rang."""

    kind: ClassVar[str] = "rang"
    bell: int


class Ear:
    """Hears bells; cannot stand some."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.portions: list[int] = []
        self.cannot_stand: set[int] = set()

    def hear(self, heard: Sequence[Heard[Rang]]) -> None:
        self.portions.append(len(heard))
        for each in heard:
            if each.event.bell in self.cannot_stand:
                raise ValueError(each.event.bell)
        self.heard += [each.event.bell for each in heard]


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    listen(name="ear", event_type=Rang, hear=ear.hear)
    yield ear
    del listeners._listeners["ear"]


def ring(*bells: int) -> None:
    with transaction.atomic():
        record_facts([Rang(bell=bell) for bell in bells], actor="test", now=clock.now())


def test_facts_are_heard_once_and_in_order(ear: Ear) -> None:
    ring(1, 2)
    ring(3)
    assert listeners_due(now=clock.now()) == {"ear"}

    assert deliver_facts(listener_name="ear") == 3
    assert deliver_facts(listener_name="ear") == 0
    assert ear.heard == [1, 2, 3]
    assert not is_due(listener_name="ear", now=clock.now())
    assert listeners_due(now=clock.now()) == set()


def test_a_fact_keeps_who_did_it(ear: Ear) -> None:
    ring(1)
    fact = Fact.objects.get()
    assert (fact.kind, fact.card_id, fact.actor, fact.body) == ("rang", None, "test", {"bell": 1})


def test_a_bad_fact_keeps_back_only_itself(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    ear.cannot_stand = {2}
    ring(1, 2, 3)

    assert deliver_facts(listener_name="ear") == 2
    assert ear.heard == [1, 3]
    waiting = Delivery.objects.get()
    assert (waiting.attempts, waiting.problem) == (1, "ValueError(2)")

    ear.cannot_stand = set()
    assert deliver_facts(listener_name="ear") == 0
    with clock.travel_to(clock.now() + timedelta(seconds=2)):
        assert deliver_facts(listener_name="ear") == 1
    assert ear.heard == [1, 3, 2]


def test_facts_come_in_portions(ear: Ear) -> None:
    ring(*range(2_500))
    deliver_facts(listener_name="ear")
    assert ear.portions == [1000, 1000, 500]


def test_a_fact_is_written_with_what_it_tells() -> None:
    connection = transaction.get_connection()
    in_block, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        with pytest.raises(RuntimeError):
            record_facts([Rang(bell=1)], actor="test", now=clock.now())
    finally:
        connection.in_atomic_block = in_block


def test_what_rolls_back_was_never_told(ear: Ear) -> None:
    with transaction.atomic():
        ring(1)
        transaction.set_rollback(True)
    assert deliver_facts(listener_name="ear") == 0
    assert Fact.objects.count() == 0
