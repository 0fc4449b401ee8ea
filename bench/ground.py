# SPDX-License-Identifier: Apache-2.0
"""What all benchmarks stand on: a new installation, a partner with a key, cards without and cards with lots."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
from psycopg import sql

from bench.line import say
from tests.faults.installation import Installation, card_and_pin

PARTNER = "bench"
SCOPES = ("cards:read", "renewals:write", "usage:write")
#: More than can be reached: limits are looked at for every call and never hit.
_CALLS_PER_SECOND = 1_000_000
_CREDIT_LIMIT_MINOR = 10**15
#: Each gives one lot, as the yardstick does, needs no other plan, and is never refused to a card that has it a few
#: times.
PLANS = (
    "DAY-1",
    "DAY-3",
    "DAY-7",
    "GB-1-3D",
    "GB-3-30D",
    "GB-20-30D",
    "UNL-24H",
    "UNL-30D",
    "ROLL-5-30D",
    "ASIA-5-15D",
    "HALF-YEAR-60",
)
#: What every card with lots has so many times: lots that run side by side.
LOTS_PLAN = "GB-3-30D"


@dataclass(frozen=True)
class Ground:
    """A running installation with everything to call it."""

    installation: Installation
    token: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.installation.url

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection that commits every statement."""
        with psycopg.connect(self.installation.server.url, autocommit=True) as connection:
            yield connection

    def analyze(self) -> None:
        """Gives the planner figures of all tables as they are now, ours and the yardstick's, before both are measured.

        Also a checkpoint, so that neither side pays for what the other has written.
        """
        with self.database() as connection:
            connection.execute("ANALYZE")
            connection.execute("CHECKPOINT")

    def iccids_file(self, name: str, numbers: range) -> Path:
        """A file of card numbers, for wrk."""
        path = self.installation.home / f"iccids-{name}"
        path.write_text("".join(f"{card_and_pin(number)[0]}\n" for number in numbers), encoding="ascii")
        return path

    def post(self, path: str, body: bytes, *, media_type: str, key: str | None = None) -> bytes:
        """The body of the answer to one call. Raises urllib's HTTPError for a refusal."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media_type}
        headers |= {"Idempotency-Key": key} if key else {}
        with urlopen(Request(f"{self.url}{path}", data=body, headers=headers), timeout=600) as answer:
            whole: bytes = answer.read()
        return whole

    def renew(self, iccid: str, plan: str) -> None:
        """One renewal."""
        body = json.dumps({"iccid": iccid, "plan": plan}).encode()
        self.post("/api/v1/renewals", body, media_type="application/json", key=secrets.token_hex(16))

    def give_lots(self, numbers: range, *, lots: int) -> None:
        """Gives cards so many lots each: the first by renewals, the others as copies of its rows."""
        model, _ = card_and_pin(numbers[0])
        for _ in range(lots):
            self.renew(model, LOTS_PLAN)
        others = [card_and_pin(number)[0] for number in numbers[1:]]
        with self.database() as connection, connection.transaction():
            _copy_lots(connection, model, others)


@contextmanager
def ground(*, cards: int) -> Iterator[Ground]:
    """An installation with so many cards, from nothing; deleted afterwards. Raises Failed."""
    installation = Installation(cards=cards, has_sandboxes=False)
    try:
        say(f"starting an installation with {cards:,} cards in {installation.home}")
        installation.start()
        partner = ["create", PARTNER, "--credit-limit-minor", str(_CREDIT_LIMIT_MINOR), "--all-cards"]
        installation.ask("partner", *partner)
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        pace = ["--calls-per-second", str(_CALLS_PER_SECOND)]
        key = installation.ask("api-key", "create", "--partner", PARTNER, *scopes, *pace)
        yield Ground(installation, key["key"])
    finally:
        installation.stop()
        installation.release()
        installation.delete()


#: The lots of one card for many others.
_COPY_LOTS = """
    INSERT INTO allowances_lotrow (card_id, {columns})
    SELECT other.id, {values}
      FROM allowances_lotrow AS source
     CROSS JOIN (SELECT id FROM cards_card WHERE iccid = ANY(%(others)s) ORDER BY id) AS other
     WHERE source.card_id = (SELECT id FROM cards_card WHERE iccid = %(model)s)
"""
#: What its renewals granted, of the others' lots.
_COPY_GRANTS = """
    INSERT INTO allowances_grant (card_id, lot_id, {columns})
    SELECT lot.card_id, lot.id, {values}
      FROM allowances_grant AS source
      JOIN allowances_lotrow AS model ON model.id = source.lot_id
      JOIN allowances_lotrow AS lot ON (lot.kind, lot.sequence) = (model.kind, model.sequence)
     WHERE source.card_id = (SELECT id FROM cards_card WHERE iccid = %(model)s)
       AND lot.card_id IN (SELECT id FROM cards_card WHERE iccid = ANY(%(others)s))
"""


def _copy_lots(connection: psycopg.Connection, model: str, others: Sequence[str]) -> None:
    given = {"model": model, "others": list(others)}
    for statement, table, own in (
        (_COPY_LOTS, "allowances_lotrow", {"id", "card_id"}),
        (_COPY_GRANTS, "allowances_grant", {"id", "card_id", "lot_id"}),
    ):
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
        ).fetchall()
        names = [name for (name,) in found if name not in own]
        connection.execute(
            sql.SQL(statement).format(
                columns=sql.SQL(", ").join(sql.Identifier(name) for name in names),
                values=sql.SQL(", ").join(sql.Identifier("source", name) for name in names),
            ),
            given,
        )
