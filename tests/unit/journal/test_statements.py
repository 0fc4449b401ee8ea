# SPDX-License-Identifier: Apache-2.0
"""What goes in comes out, whatever characters it has."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tsuzuku.journal import statements

MOMENT = datetime(2026, 4, 1, 9, 30, 15, 123456, tzinfo=UTC)


def echo(values: list[Any], kind: str) -> list[Any]:
    found = statements.rows(f"SELECT * FROM unnest(%(values)s::{kind}[])", {"values": values})
    return [value for (value,) in found]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -(2**63), 2**63 - 1], "bigint"),
        (["", "NULL", None, "{}", 'a"b', "\\", "a,b", " x ", "𠮷", "\n"], "text"),
        ([MOMENT, None], "timestamptz"),
        ([date(2026, 4, 1), None], "date"),
        ([UUID(int=7), None], "uuid"),
        ([True, None, False], "boolean"),
        ([None, None], "text"),
        ([], "bigint"),
    ],
)
def test_arrays_come_back(values: list[Any], kind: str) -> None:
    assert echo(values, kind) == values


class Texts(TestCase):
    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
    def test_any_text_comes_back(self, texts: list[str]) -> None:
        assert echo(list(texts), "text") == texts


@pytest.mark.django_db
def test_json_comes_parsed_and_a_statement_without_rows_gives_none() -> None:
    assert statements.rows("SELECT %(body)s::jsonb", {"body": '{"a": [1]}'}) == [({"a": [1]},)]
    assert statements.rows("SELECT WHERE false", {}) == []
    statements.execute("CREATE TEMPORARY TABLE gone (n int) ON COMMIT DROP", {})
    assert statements.execute("INSERT INTO gone SELECT generate_series(1, %(n)s)", {"n": 3}) == 3


@pytest.mark.django_db
def test_errors_are_djangos() -> None:
    with pytest.raises(DataError), transaction.atomic():
        statements.rows("SELECT 1 / %(n)s::int", {"n": 0})
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.rows("INSERT INTO payments_account (code) VALUES (%(code)s), (%(code)s)", {"code": "twice"})
