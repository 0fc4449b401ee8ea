# SPDX-License-Identifier: Apache-2.0
"""One signed POST to an address that a partner chose, by `kernel.public_calls` and the operator's idea of public."""

from collections.abc import Mapping

import httpx
from django.conf import settings

from tsuzuku.kernel import public_calls
from tsuzuku.kernel.public_calls import CALL_SECONDS, Answer
from tsuzuku.kernel.public_hosts import Resolve, resolved


def post(
    url: httpx.URL,
    body: bytes,
    *,
    headers: Mapping[str, str],
    call_seconds: float = CALL_SECONDS,
    resolve: Resolve = resolved,
) -> Answer:
    """Sends `body` once. Returns the answer's status; its body is not read, a redirect is an answer like any other."""
    return public_calls.post(
        url,
        body,
        headers=headers,
        private_networks=settings.WEBHOOK_PRIVATE_NETWORKS,
        call_seconds=call_seconds,
        resolve=resolve,
    )
