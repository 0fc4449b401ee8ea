# SPDX-License-Identifier: Apache-2.0
"""What holds for every request and every answer of ours, whatever the page.

An answer tells the browser that a page loads and runs only what comes from us, and asks for nothing. A request is small
and in UTF-8, or it is refused before anything is read of it.
"""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponseBase

from tsuzuku.kernel import clock
from tsuzuku.payments.registry import providers
from tsuzuku.people.browsers import remember_browser
from tsuzuku.project import errors

#: A page asks for none of the phone's faculties.
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
#: No page takes files, and the longest form is far below this.
BODY_BYTES_MAX = 1_000_000
#: Machines tell us things here. It reads raw bytes only, up to a limit of its own.
_INBOUND = "/inbound/"
_SESSION_KEY = re.compile("[a-z0-9]+")


def content_security_policy() -> str:
    """The policy of our pages.

    Forms may lead to the payment providers' pages, since browsers hold redirects that follow a form to it, too. Scripts
    may ask nobody but us, and what the operator names for the connection check.
    """
    checks = {"/".join(url.split("/")[:3]) for url in (settings.CHECK_IPV4_URL, settings.CHECK_IPV6_URL) if url}
    connect = " ".join(["'self'", *sorted(checks)])
    origins = {origin for provider in providers().values() for origin in provider.capabilities.redirect_origins}
    form_action = " ".join(["'self'", *sorted(origins)])
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; "
        f"manifest-src 'self'; connect-src {connect}; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )


class ContentSecurityPolicyMiddleware:
    """Puts both policies on every answer that has none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", content_security_policy())
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class SessionCookieMiddleware:
    """Overlooks a session cookie that cannot be one of ours: PostgreSQL takes no NUL, so it could not be looked up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return self._get_response(request)


class BrowserMiddleware:
    """Keeps in which browsers people are logged in, so that they can look, and end what is not theirs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if request.session.accessed:
            remember_browser(request, now=clock.now())
        return response


class RequestBodyMiddleware:
    """Refuses what no form of ours sends, before the check of a form's token reads it and puts files on the disk."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(_INBOUND):
            if _is_too_large(request):
                return errors.request_too_large(request)
            # Python knows charsets that are no text at all.
            if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
                return errors.bad_request(request, BadRequest("not in UTF-8"))
        return self._get_response(request)


def _is_too_large(request: HttpRequest) -> bool:
    """Whether its body is over the limit, or of a length that is not told beforehand."""
    length = request.META.get("CONTENT_LENGTH", "")
    if not length:
        return "HTTP_TRANSFER_ENCODING" in request.META
    return not length.isdecimal() or int(length) > BODY_BYTES_MAX


class Request(WSGIRequest):
    """A request that can be made of any Content-Type, so that it is refused with a page and not with a traceback.

    Django takes the charset of the body for that of the address as well, and reads it before any middleware is asked.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = "", {"charset": "malformed"}
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]  # the stubs leave it out
        except (LookupError, ValueError):
            # What was read of it stays, and RequestBodyMiddleware refuses it.
            self._encoding = None


class Handler(WSGIHandler):
    """The application as servers call it."""

    request_class = Request
