# SPDX-License-Identifier: Apache-2.0
"""What every answer tells the browser: a page loads and runs only what comes from us, and asks for nothing."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from tsuzuku.payments.registry import providers

#: A page asks for none of the phone's faculties.
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def content_security_policy() -> str:
    """The policy of our pages.

    Forms may lead to the payment providers' pages, since browsers hold redirects that follow a form to it, too.
    """
    origins = {origin for provider in providers().values() for origin in provider.capabilities.redirect_origins}
    form_action = " ".join(["'self'", *sorted(origins)])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
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
