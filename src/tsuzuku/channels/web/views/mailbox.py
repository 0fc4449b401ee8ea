# SPDX-License-Identifier: Apache-2.0
"""The demo's mailbox: what was sent to whomever. Its addresses exist only in the demo."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsuzuku.kernel import clock
from tsuzuku.messaging.queries import list_mailbox


@never_cache
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """Every mail, newest first."""
    return render(request, "web/mailbox.html", {"now": clock.now(), "kept": list_mailbox()})


@never_cache
@require_safe
def message(request: HttpRequest, message_id: str) -> HttpResponse:
    """One mail."""
    for kept in list_mailbox():
        if kept.message.message_id == message_id:
            return render(request, "web/mail.html", {"now": clock.now(), "kept": kept})
    raise Http404
