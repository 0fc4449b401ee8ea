# SPDX-License-Identifier: Apache-2.0
"""Webhooks. We answer 200 only after what was told is committed; otherwise it is told again."""

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tsuzuku.kernel import clock
from tsuzuku.payments.actions import take_events
from tsuzuku.payments.ports import WebhookForged, WebhookStale
from tsuzuku.payments.registry import providers

#: The largest webhook of any provider that we know of is a tenth of it.
BODY_BYTES_MAX = 256_000


# Not from a browser, so there is no token: the provider's signature over the raw bytes is what is checked.
@csrf_exempt
@require_POST
def payments(request: HttpRequest, provider: str) -> HttpResponse:
    """What a payment provider tells of payments and refunds."""
    adapter = providers().get(provider)
    if adapter is None:
        raise Http404
    body = request.read(BODY_BYTES_MAX + 1)
    if len(body) > BODY_BYTES_MAX:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    now = clock.now()
    try:
        events = adapter.read_webhook(headers=request.headers, body=body, now=now)
    except (WebhookForged, WebhookStale) as problem:
        # Those words are WeChat Pay's; nobody else reads more than the status.
        return JsonResponse({"code": "FAIL", "message": problem.code}, status=HTTPStatus.BAD_REQUEST)
    take_events(provider=provider, events=events, now=now)
    return HttpResponse(adapter.capabilities.webhook_reply, content_type="text/plain")
