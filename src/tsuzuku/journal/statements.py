# SPDX-License-Identifier: Apache-2.0
"""Statements over arrays: one for many rows, its parameters bound and its plan kept by the server.

Django binds parameters itself and has every statement planned anew, which costs more than most of ours take
(docs/performance.md). Here `unnest` of one array for each column lays many rows side by side.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from psycopg import Cursor


def rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Runs a statement on the connection of the current transaction and returns its rows, if it gives any.

    Times come in UTC, JSON comes parsed. Raises Django's database errors.
    """
    connection.ensure_connection()
    cursor = Cursor(connection.connection)
    cursor.format = 1  # binary: nothing is spelled out in digits and read again
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(cursor) as wrapped:
        wrapped.execute(sql, params)
        return wrapped.fetchall() if cursor.description else []


def row_count(sql: str, params: Mapping[str, Any]) -> int:
    """The same for a statement that gives no rows: how many it wrote."""
    connection.ensure_connection()
    cursor = Cursor(connection.connection)
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(cursor) as wrapped:
        wrapped.execute(sql, params)
        return cursor.rowcount
