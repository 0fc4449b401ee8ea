# SPDX-License-Identifier: Apache-2.0
"""Statements over arrays: one for many rows, its parameters bound and its plan kept by the server.

Django binds parameters itself and has every statement planned anew, which costs more than most of ours take
(docs/performance.md). Here `unnest` of one array for each column lays many rows side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor
from psycopg.pq import Format


def rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Runs a statement on the connection of the current transaction and returns its rows.

    Parameters that are lists become arrays, which the statement casts to their type. Times come in UTC, JSON comes
    parsed. Raises Django's database errors.
    """
    found: list[tuple[Any, ...]] = _execute(sql, params).fetchall()
    return found


def execute(sql: str, params: Mapping[str, Any]) -> int:
    """The same for a statement that gives no rows: returns how many it wrote."""
    written: int = _execute(sql, params).rowcount
    return written


def by_index() -> None:
    """Has the statements of this transaction find rows by index.

    The server keeps a plan from when a table was small, and would read a table that has grown meanwhile as a whole.
    """
    _execute("SET LOCAL enable_seqscan TO off", {})


def _execute(sql: str, params: Mapping[str, Any]) -> CursorWrapper:
    connection.ensure_connection()
    cursor: Any = Cursor(connection.connection)
    cursor.format = Format.BINARY  # nothing is spelled out in digits and read again
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    wrapped = make(cursor)
    wrapped.execute(sql, {name: _array(value) if isinstance(value, list) else value for name, value in params.items()})
    return wrapped


def _array(values: Sequence[Any]) -> Any:  # noqa: ANN401  # whatever a driver takes
    """The values as PostgreSQL writes arrays; psycopg's own way takes four times as long (docs/performance.md)."""
    match next((value for value in values if value is not None), None):
        case str():
            write: Callable[[Any], str] = _quoted
        case date():  # which every datetime is
            write = _isoformat
        case int() | UUID() | None:
            write = str
        case _:
            return values
    if None in values:
        return "{" + ",".join(["NULL" if value is None else write(value) for value in values]) + "}"
    return "{" + ",".join(map(write, values)) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _isoformat(moment: date) -> str:
    return f'"{moment.isoformat()}"'
