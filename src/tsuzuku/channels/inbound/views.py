# SPDX-License-Identifier: Apache-2.0
"""Webhooks. We answer 200 only after what was told is committed; otherwise it is told again."""

from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tsuzuku.kernel import clock
from tsuzuku.kernel.signatures import SignatureForged, SignatureStale
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.registry import gateway, has_gateway
from tsuzuku.messaging.reports import take_reports
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


@csrf_exempt
@require_POST
def messages(request: HttpRequest, kind: str) -> HttpResponse:
    """What a gateway tells of deliveries. 404 if it is about nothing of ours, or of ours not yet."""
    if kind not in set(AddressKind) or not has_gateway(AddressKind(kind)):
        raise Http404
    adapter = gateway(AddressKind(kind))
    if not adapter.capabilities.reports_by_webhook:
        raise Http404
    body = request.read(BODY_BYTES_MAX + 1)
    if len(body) > BODY_BYTES_MAX:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    now = clock.now()
    # As we gave it to the gateway: behind a proxy the request would name another host.
    url = f"{settings.PUBLIC_URL}{request.get_full_path()}"
    try:
        reports = adapter.read_reports(url=url, headers=request.headers, body=body, now=now)
    except (SignatureForged, SignatureStale) as problem:
        return JsonResponse({"code": problem.code}, status=HTTPStatus.BAD_REQUEST)
    if reports and not take_reports(kind=AddressKind(kind), reports=reports, now=now):
        raise Http404
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
