# SPDX-License-Identifier: Apache-2.0
"""The demo's mailbox: what was sent to whomever. Its addresses exist only in the demo."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsuzuku.kernel import clock
from tsuzuku.messaging.ports import AddressKind, OutgoingMessage
from tsuzuku.messaging.queries import list_mailbox
from tsuzuku.messaging.rules import masked_address


@never_cache
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """Every mail, SMS and push message, newest first."""
    kept = list_mailbox()
    rows = [(each, _shown_address(each.message)) for each in kept]
    return render(request, "web/mailbox.html", {"now": clock.now(), "kept": kept, "rows": rows})


@never_cache
@require_safe
def message(request: HttpRequest, message_id: str) -> HttpResponse:
    """One of them."""
    for kept in list_mailbox():
        if kept.message.message_id == message_id:
            context = {"now": clock.now(), "kept": kept, "address": _shown_address(kept.message)}
            return render(request, "web/mail.html", context)
    raise Http404


def _shown_address(message: OutgoingMessage) -> str:
    """Of a push subscription only the service: the rest is long, and nothing that anybody could recognise."""
    if message.kind is AddressKind.PUSH:
        return masked_address(message.kind, message.address)
    return message.address
