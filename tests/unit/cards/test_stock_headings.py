# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.cards.stock_headings import SPELLINGS, Column, column_of


def test_no_spelling_names_two_columns() -> None:
    named = {(spelling, column_of(spelling)) for spellings in SPELLINGS.values() for spelling in spellings}
    assert named == {(spelling, column) for column, spellings in SPELLINGS.items() for spelling in spellings}


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("iccid", Column.ICCID),
        ("ICCID", Column.ICCID),
        (" Icc-ID ", Column.ICCID),
        ("電話番号(MSISDN)", Column.PHONE),
        ("電話番号(ハイフンなし)", Column.PHONE),
        ("PIN Code", Column.PIN),
        ("last_use_date", Column.LAST_USE_DATE),
        ("有效期", Column.LAST_USE_DATE),
        ("備考", None),
        ("", None),
        ("()", None),
    ],
)
def test_headings_as_people_write_them(heading: str, column: Column | None) -> None:
    assert column_of(heading) == column
