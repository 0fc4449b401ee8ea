# SPDX-License-Identifier: Apache-2.0
"""The pages for what goes wrong, each with a next step."""

from http import HTTPStatus

from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    # The session is kept after the work is done, and Django says this also when the database went away meanwhile.
    if isinstance(exception, SessionInterrupted):
        return server_error(request)
    return _page(
        HTTPStatus.BAD_REQUEST,
        title=_("We could not read that request"),
        text=_("Something in it was malformed. Nothing was changed and nothing was charged."),
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _page(
        HTTPStatus.FORBIDDEN,
        title=_("This is not open to you"),
        text=_("Your account has no access to this page. Another account may have it."),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, also for what is there but belongs to somebody else: a stranger cannot tell."""
    return _page(
        HTTPStatus.NOT_FOUND,
        title=_("There is nothing here for you"),
        text=_(
            "Either this page does not exist, or it belongs to somebody else. If it is your card or your order, "
            "log in, or open the card with its number and PIN: access with the PIN ends after two hours."
        ),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token does not fit the browser's cookie."""
    return _page(
        HTTPStatus.FORBIDDEN,
        title=_("This page was open for too long"),
        text=_(
            "For your safety the form was not sent, and nothing was charged. Go back, load the page again and send it "
            "once more. If this happens again, allow cookies for this site."
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500. Reads neither the session nor the database: they may be what is broken."""
    return _page(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        title=_("That did not work, and it is our fault"),
        text=_(
            "If you were paying, look at your order before you pay again: a payment that went through is never lost. "
            "Please try again in a minute."
        ),
    )


def request_too_large(request: HttpRequest) -> HttpResponse:
    """413."""
    return _page(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        title=_("That was more than we can take"),
        text=_("Our forms are short and take no files. Nothing was changed and nothing was charged."),
    )


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429, from the rate limits of the account pages."""
    response = _page(
        HTTPStatus.TOO_MANY_REQUESTS,
        title=_("Too many tries"),
        text=_("For your safety we stop for a moment. Please wait a minute, then try again."),
    )
    response.headers["Retry-After"] = "60"
    return response


def _page(status: HTTPStatus, *, title: str, text: str) -> HttpResponse:
    # Without the request: its user, session and messages would be read from the database.
    return HttpResponse(render_to_string("look/problem.html", {"title": title, "text": text}), status=status)
