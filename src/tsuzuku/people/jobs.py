# SPDX-License-Identifier: Apache-2.0
"""Background work: forgets logins that have run out."""

from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from procrastinate.contrib.django import app


@app.periodic(cron="37 * * * *")
@app.task(name="forget sessions", queue="sweep", queueing_lock="forget sessions", pass_context=False)
def forget_sessions(timestamp: int) -> None:
    """Every hour: deletes sessions that are over, and the cache's rows that are over, which Django leaves lying.

    Django counts the cache's rows whenever it writes one, so a heap of dead ones would slow down every login.
    """
    SessionStore.clear_expired()
    with connection.cursor() as cursor:
        # One delete, by the index on when they end.
        cursor.execute("DELETE FROM cache WHERE expires < now()")
        # Browsers whose sessions are over, by the key of both.
        cursor.execute(
            "DELETE FROM people_browser AS gone WHERE NOT outlasts_session AND NOT EXISTS"
            " (SELECT FROM django_session AS still WHERE still.session_key = gone.session_key)"
        )
