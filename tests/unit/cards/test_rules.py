# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, date, datetime

import pytest

from tsuzuku.cards.errors import CardLost, CardNameMalformed, CardPastLastDate, CardSuspended
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.cards.rules import check_can_renew, check_name

LAST_DATE = date(2026, 6, 30)
#: The last second of that day in Tokyo, and the first of the next.
LAST_SECOND = datetime(2026, 6, 30, 14, 59, 59, tzinfo=UTC)
NEXT_DAY = datetime(2026, 6, 30, 15, 0, 0, tzinfo=UTC)


def test_the_last_date_of_use_is_a_whole_day_in_tokyo() -> None:
    card = Card(last_use_date=LAST_DATE)
    check_can_renew(card, LAST_SECOND)
    with pytest.raises(CardPastLastDate) as refused:
        check_can_renew(card, NEXT_DAY)
    assert (refused.value.code, refused.value.particulars) == ("card-past-last-date", {"last_use_date": LAST_DATE})


def test_a_card_without_a_last_date_can_always_be_renewed() -> None:
    check_can_renew(Card(last_use_date=None), datetime(2099, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("blocked", "error", "code"),
    [(Blocked.SUSPENDED, CardSuspended, "card-suspended"), (Blocked.LOST, CardLost, "card-lost")],
)
def test_a_blocked_card_cannot_be_renewed(blocked: Blocked, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as refused:
        check_can_renew(Card(blocked=blocked), LAST_SECOND)
    assert str(refused.value) == code


@pytest.mark.parametrize("name", ["", "妈妈的卡", "Dad's 2nd phone", "👩‍👩‍👧　卡", "x" * 40])
def test_names_that_people_give(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)", "a\nb", "\tx", "a\x00", "x" * 41])
def test_names_that_a_spreadsheet_would_run_or_nobody_could_read(name: str) -> None:
    with pytest.raises(CardNameMalformed):
        check_name(name)
