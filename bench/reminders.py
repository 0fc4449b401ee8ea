# SPDX-License-Identifier: Apache-2.0
"""How long it takes to choose what is due among many cards, beside the same among a tenth of them.

As a program, `python -m bench.reminders`, it is the process that chooses, with a database of its own and Django in it.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.line import Line, say
from tests.faults.installation import Failed

_ROOT = Path(__file__).resolve().parents[1]
#: Cards that somebody holds; times SCALE. So many of them are due at each turn, whatever the scale.
FEW, MANY = 100_000, 1_000_000
DUE = 1_000
_TURNS = 6


def reminders_due(*, scale: float) -> Line:
    """A thousand of a million cards are due, and a thousand of a hundred thousand. Raises Failed without figures."""
    sizes = [str(round(cards * scale)) for cards in (FEW, MANY)]
    # Lines that tell how far it is come on stderr, as ours do.
    words = [sys.executable, "-m", "bench.reminders", *sizes]
    ran = subprocess.run(words, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        raise Failed("reminders_due: nothing was measured")
    few, many = json.loads(ran.stdout)
    return Line(bench="reminders_due", ours=many, yardstick=few, unit="ms", p50_ms=many)


# -- the process that chooses ------------------------------------------------------------------------------------------

#: Cards like the model, each held by somebody of their own, with a lot that ends within a month and is looked at three
#: days before. Every statement makes those from %(first)s to before %(last)s.
_GROW = (
    """
    INSERT INTO people_user (id, password, is_superuser, email, display_name, language, created_at, is_staff, is_active)
    SELECT %(user)s + n, '', false, 'holder' || n || '@example.com', '', 'en', %(now)s, false, true
      FROM generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS n
    """,
    """
    INSERT INTO cards_card (id, iccid, kind, carrier, public_token, created_at)
    SELECT %(card)s + n, lpad(n::text, 19, '0'), kind, carrier, lpad(n::text, 16, '0'), created_at
      FROM cards_card AS model, generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS n
     WHERE model.id = %(card)s
    """,
    """
    INSERT INTO cards_cardholder (user_id, card_id, since)
    SELECT %(user)s + n, %(card)s + n, %(now)s FROM generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS n
    """,
    """
    INSERT INTO allowances_lotrow (
           card_id, kind, sequence, terms_id, renewed_at, days, day_rule, added, total, remaining, renewals, starts_at,
           ends_at, day_used, earlier_days)
    SELECT %(card)s + n, kind, sequence, terms_id, renewed_at, days, day_rule, added, total, remaining, renewals,
           starts_at, ends_at + (12 + n %% 600) * interval '1 hour', day_used, earlier_days
      FROM allowances_lotrow AS model, generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS n
     WHERE model.card_id = %(card)s
    """,
    """
    INSERT INTO allowances_grant (card_id, renewal_id, kind, lot_id, amount, restored, granted_at)
    SELECT lot.card_id, lot.card_id, lot.kind, lot.id, lot.total, 0, lot.renewed_at
      FROM allowances_lotrow AS lot
     WHERE lot.card_id >= %(card)s + %(first)s::bigint AND lot.card_id < %(card)s + %(last)s::bigint
    """,
    """
    INSERT INTO reminders_watch (card_id, next_attempt_at)
    SELECT lot.card_id, lot.ends_at - interval '3 days'
      FROM allowances_lotrow AS lot
     WHERE lot.card_id >= %(card)s + %(first)s::bigint AND lot.card_id < %(card)s + %(last)s::bigint
    """,
)
#: Of some cards, anywhere among all, the end comes near enough to be told now.
_MAKE_DUE = (
    "DELETE FROM reminders_reminder",
    "UPDATE allowances_lotrow SET ends_at = %(now)s + interval '71 hours' WHERE card_id = ANY(%(cards)s)",
    "UPDATE reminders_watch SET next_attempt_at = %(now)s - interval '1 hour' WHERE card_id = ANY(%(cards)s)",
)


def _main(sizes: list[int]) -> list[float]:
    """The milliseconds that a turn takes for each size, the median of some turns."""
    from tsuzuku.project import postgres

    home = Path(tempfile.mkdtemp(prefix="tsuzuku-bench-"))
    home.chmod(0o755)  # As root, the server's user must be able to enter it.
    server = postgres.attach(home)
    try:
        os.environ |= {
            "TSUZUKU_HOME": str(home),
            "TSUZUKU_DATABASE_URL": server.url,
            "DJANGO_SETTINGS_MODULE": "tsuzuku.project.settings",
        }
        import django

        django.setup()
        return _measure(sizes)
    finally:
        from django.db import connections

        connections.close_all()
        postgres.release(server)
        postgres.destroy(server.home)
        shutil.rmtree(home, ignore_errors=True)


def _measure(sizes: list[int]) -> list[float]:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    given = _model()
    made, found = 1, []
    for size in sizes:
        say(f"reminders_due: {size:,} cards")
        with connection.cursor() as cursor:
            for statement in _GROW:
                cursor.execute(statement, {**given, "first": made, "last": size})
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        made = size
        # The first is not counted: it loads what the others find loaded.
        _, *turns = [_turn(given, size, turn) for turn in range(_TURNS)]
        found.append(statistics.median(turns))
        say(f"reminders_due: {', '.join(f'{each:,.0f}' for each in turns)} ms")
    return found


def _model() -> dict[str, Any]:
    """A card with a plan that ends three days and an hour from now, after which all others are made."""
    from tsuzuku.allowances.actions import Grantee, grant_renewals
    from tsuzuku.kernel import clock
    from tsuzuku.testing.factories import make_card, make_customer, make_plan

    now = clock.now()
    plan, card, user = make_plan(days=30), make_card(), make_customer()
    with clock.travel_to(now - timedelta(days=27)):
        at = clock.now()
        grant_renewals({0: Grantee(card_id=card.pk, terms_id=plan.terms_now_id or 0, at=at, is_credited=True)})
    return {"card": card.pk, "user": user.pk, "now": now}


def _turn(given: dict[str, Any], size: int, turn: int) -> float:
    """Makes a thousand cards due and chooses them: what is to be told to whom, and when to look at each again."""
    from django.db import connection, transaction

    from tsuzuku.kernel import clock
    from tsuzuku.reminders.models import Reminder
    from tsuzuku.reminders.watching import look_at_cards

    step = max(size // (DUE * _TURNS), 1)
    cards = [given["card"] + 1 + (number * _TURNS + turn) * step for number in range(min(DUE, size // _TURNS - 1))]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _MAKE_DUE:
            cursor.execute(statement, {"now": clock.now(), "cards": cards})
    began = time.perf_counter()
    looked_at = look_at_cards()
    took = time.perf_counter() - began
    noted = Reminder.objects.count()
    if (looked_at, noted) != (len(cards), len(cards)):
        raise Failed(f"reminders_due: {looked_at} were looked at and {noted} noted of {len(cards)}")
    return took * 1000


if __name__ == "__main__":
    print(json.dumps(_main([int(word) for word in sys.argv[1:]])))  # noqa: T201  # read by `reminders_due`
