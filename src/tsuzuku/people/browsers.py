# SPDX-License-Identifier: Apache-2.0
"""Where somebody is logged in: a row for each browser beside its session, to look at and to end.

A session may change its key at any time, so it carries the key under which its row was written last.
"""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from tsuzuku.people.devices import device_name
from tsuzuku.people.models import Browser, User

_MARK = "browser"


def remember_browser(request: HttpRequest, *, now: datetime) -> None:
    """Writes down that somebody is here: at first, whenever the session's key has changed, and once an hour."""
    session = request.session
    if SESSION_KEY not in session or not isinstance(request.user, User):
        return
    if not session.session_key:
        # One that was begun anew has its key from now on, so that no login is without a row.
        session.save()
    key = str(session.session_key)
    hour = now.replace(minute=0, second=0, microsecond=0)
    known: list[str] = session.get(_MARK, [])
    mark = [key, hour.isoformat()]
    if known == mark:
        return
    rows = Browser.objects.filter(user=request.user, session_key=known[0]) if known else Browser.objects.none()
    if not rows.update(session_key=key, seen_at=hour):
        row = Browser(
            user=request.user,
            session_key=key,
            device=device_name(request.headers.get("User-Agent", "")),
            since=now,
            seen_at=hour,
        )
        Browser.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["session_key"], update_fields=["seen_at", "user"]
        )
    session[_MARK] = mark


def this_browser(request: HttpRequest, *, now: datetime) -> Browser | None:
    """The row of the browser that asks, written down if need be; None if nobody is logged in there."""
    remember_browser(request, now=now)
    return Browser.objects.filter(session_key=request.session.session_key or "").first()


def keep_browser(*, browser: Browser) -> None:
    """Lets a row outlast its session: something was allowed to the browser that ends when somebody ends it."""
    Browser.objects.filter(pk=browser.pk).update(outlasts_session=True)


def forget_this_browser(*, request: HttpRequest | None, **_of_signal: object) -> None:
    """Forgets the browser in which somebody is just logging out, and with it what was allowed to it."""
    if request is not None:
        keys = {request.session.session_key, *request.session.get(_MARK, [])[:1]} - {None}
        Browser.objects.filter(session_key__in=keys).delete()


def browsers_of(user: User, *, now: datetime) -> Sequence[Browser]:
    """Where somebody is logged in now, last seen first. One query."""
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    return list(Browser.objects.filter(user=user, session_key__in=alive).order_by("-seen_at", "-pk"))


def end_browser(*, user: User, browser_id: int) -> bool:
    """Logs somebody out in one browser of theirs, at once; False if there is no such browser."""
    return bool(_end(user, browser_id=browser_id))


def end_other_browsers(*, user: User, session_key: str | None) -> int:
    """Logs somebody out everywhere but in this session; returns in how many browsers."""
    return _end(user, keep=session_key)


def _end(user: User, *, browser_id: int | None = None, keep: str | None = None) -> int:
    with transaction.atomic():
        rows = Browser.objects.select_for_update().filter(user=user).exclude(session_key=keep or "")
        if browser_id is not None:
            rows = rows.filter(pk=browser_id)
        found = {row.pk: row.session_key for row in rows}
        Session.objects.filter(session_key__in=found.values()).delete()
        Browser.objects.filter(pk__in=found).delete()
    return len(found)
