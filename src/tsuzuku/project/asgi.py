# SPDX-License-Identifier: Apache-2.0
"""What the server calls: the partner API on the event loop, Django's pages on threads (docs/decisions/0013)."""

import gc
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi_typing import WSGIApp

from tsuzuku.project.programs import WEB_THREADS
from tsuzuku.project.wsgi import application as pages

from tsuzuku.channels.partner_api.application import Application, is_partner_api  # isort: skip  # only once Django is ready

_pages = WSGIMiddleware(cast(WSGIApp, pages), workers=WEB_THREADS)
_partner_api = Application()

# What is loaded by now stays. Walking over it again and again cost a long body a third of its time in Python.
gc.collect()
gc.freeze()


async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI's own loose types
    """Leads each call to its door."""
    if scope["type"] == "http" and is_partner_api(scope["path"]):
        await _partner_api(scope, receive, send)
    else:

        async def received() -> Any:  # noqa: ANN401  # as above
            # The server gives a future, and what a2wsgi hands from a page's thread to the loop must be a coroutine.
            return await receive()

        await _pages(scope, received, send)
