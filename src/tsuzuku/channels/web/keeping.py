# SPDX-License-Identifier: Apache-2.0
"""Which pages the app keeps in the phone, to show them without a network, and for how long.

The page says so in a header of its answer; the service worker does as it is told.
"""

from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse

from tsuzuku.channels.web.access import CardAccess, opened_until

#: Seconds since 1970 (UTC) from which on the page is no longer shown.
KEEP_UNTIL: Final = "Tsuzuku-Keep-Until"
#: Who holds a card sees its last known state for so long: a journey, and the time until the next one.
_HOLDERS_FOR = timedelta(days=60)


def keep_for_holder(response: HttpResponse, *, now: datetime) -> HttpResponse:
    """Marks a page of who is logged in."""
    return _keep(response, now + _HOLDERS_FOR)


def keep_for_everybody(response: HttpResponse, *, now: datetime) -> HttpResponse:
    """Marks a page that says nothing of anybody, such as help: it stays when who was here leaves."""
    return _keep(response, now + _HOLDERS_FOR)


def keep_card_page(response: HttpResponse, request: HttpRequest, access: CardAccess, *, now: datetime) -> HttpResponse:
    """Marks a card's page: a card that a PIN has opened is shown no longer than the PIN opens it."""
    if access.holder is not None:
        return keep_for_holder(response, now=now)
    return _keep(response, opened_until(request, access.card.pk, now=now))


def _keep(response: HttpResponse, until: datetime) -> HttpResponse:
    response.headers[KEEP_UNTIL] = str(int(until.timestamp()))
    return response
