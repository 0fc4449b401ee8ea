# SPDX-License-Identifier: Apache-2.0
"""Stock in portions: one statement each to look at known cards, to add new ones, to change known ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection


@dataclass(frozen=True, slots=True)
class StockRow:
    """What a file says of a card, as it is kept. None: it says nothing."""

    iccid: str
    kind: str
    imsi: str | None
    msisdn: str | None
    activation_code_encrypted: bytes | None = field(repr=False)
    pin_hash: bytes | None = field(repr=False)
    last_use_date: date | None
    group: str | None

    def says_otherwise(self, known: "StockRow") -> bool:
        """Whether it says anything that differs from what is known; what it does not say does not differ."""
        return any(
            said is not None and said != kept
            for said, kept in (
                (self.kind, known.kind),
                (self.imsi, known.imsi),
                (self.msisdn, known.msisdn),
                (self.activation_code_encrypted, known.activation_code_encrypted),
                (self.pin_hash, known.pin_hash),
                (self.last_use_date, known.last_use_date),
                (self.group, known.group),
            )
        )


def known_rows(iccids: Sequence[str]) -> dict[str, StockRow]:
    """What is kept of these cards, by number."""
    with connection.cursor() as cursor:
        # One look by the index of numbers.
        cursor.execute(
            """
            SELECT iccid, kind, imsi, msisdn, activation_code_encrypted, pin_hash, last_use_date, "group"
            FROM cards_card WHERE iccid = ANY(%s)
            """,
            [list(iccids)],
        )
        return {row[0]: StockRow(*row) for row in cursor.fetchall()}


def add_rows(rows: Sequence[StockRow], *, carrier: str, tokens: Sequence[str], now: datetime) -> set[str]:
    """Adds cards of a carrier. Returns the numbers of those added: not of those that somebody else added meanwhile."""
    with connection.cursor() as cursor:
        # One insert; in order of the numbers, so that two imports of the same file never wait for each other in a ring.
        cursor.execute(
            """
            INSERT INTO cards_card (iccid, kind, imsi, msisdn, activation_code_encrypted, pin_hash, last_use_date,
                                    "group", public_token, carrier, blocked, created_at)
            SELECT iccid, kind, imsi, msisdn, activation_code_encrypted, pin_hash, last_use_date,
                   coalesce("group", ''), public_token, %(carrier)s, '', %(now)s
            FROM unnest(%(iccid)s::text[], %(kind)s::text[], %(imsi)s::text[], %(msisdn)s::text[],
                        %(activation_code_encrypted)s::bytea[], %(pin_hash)s::bytea[], %(last_use_date)s::date[],
                        %(group)s::text[], %(public_token)s::text[])
                 AS said (iccid, kind, imsi, msisdn, activation_code_encrypted, pin_hash, last_use_date, "group",
                          public_token)
            ORDER BY iccid
            ON CONFLICT (iccid) DO NOTHING
            RETURNING iccid
            """,
            {**_columns(rows), "public_token": list(tokens), "carrier": carrier, "now": now},
        )
        return {row[0] for row in cursor.fetchall()}


def change_rows(rows: Sequence[StockRow]) -> None:
    """Changes known cards to what is said of them; what is not said stays."""
    with connection.cursor() as cursor:
        # The locks first, in the one order in which cards are locked everywhere.
        cursor.execute(
            "SELECT id FROM cards_card WHERE iccid = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [[row.iccid for row in rows]],
        )
        # Then one update.
        cursor.execute(
            """
            UPDATE cards_card AS card SET
                kind = said.kind,
                imsi = coalesce(said.imsi, card.imsi),
                msisdn = coalesce(said.msisdn, card.msisdn),
                activation_code_encrypted = coalesce(said.activation_code_encrypted, card.activation_code_encrypted),
                pin_hash = coalesce(said.pin_hash, card.pin_hash),
                last_use_date = coalesce(said.last_use_date, card.last_use_date),
                "group" = coalesce(said."group", card."group")
            FROM unnest(%(iccid)s::text[], %(kind)s::text[], %(imsi)s::text[], %(msisdn)s::text[],
                        %(activation_code_encrypted)s::bytea[], %(pin_hash)s::bytea[], %(last_use_date)s::date[],
                        %(group)s::text[])
                 AS said (iccid, kind, imsi, msisdn, activation_code_encrypted, pin_hash, last_use_date, "group")
            WHERE card.iccid = said.iccid
            """,
            _columns(rows),
        )


def _columns(rows: Sequence[StockRow]) -> dict[str, list[str | bytes | date | None]]:
    return {
        "iccid": [row.iccid for row in rows],
        "kind": [row.kind for row in rows],
        "imsi": [row.imsi for row in rows],
        "msisdn": [row.msisdn for row in rows],
        "activation_code_encrypted": [row.activation_code_encrypted for row in rows],
        "pin_hash": [row.pin_hash for row in rows],
        "last_use_date": [row.last_use_date for row in rows],
        "group": [row.group for row in rows],
    }
