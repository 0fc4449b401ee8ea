# SPDX-License-Identifier: Apache-2.0
"""Taking one's data along, and deleting the account."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tsuzuku.balances.queries import balance_of_user
from tsuzuku.channels.web.access import owner
from tsuzuku.channels.web.forms import LeaveForm
from tsuzuku.channels.web.leaving import leave_for_good
from tsuzuku.channels.web.own_data import FILE_NAME, own_data
from tsuzuku.channels.web.views.proof import customers_only, proved
from tsuzuku.kernel import clock
from tsuzuku.people.limits import is_within_limit
from tsuzuku.people.writing import write_to

A_MINUTE_MAX = 3


@proved
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponseBase:
    """Everything that is known of somebody, as one file; and a message that it was taken."""
    if request.method != "POST":
        return render(request, "web/account/export.html")
    user, now = owner(request), clock.now()
    if not is_within_limit(request, "own-data", a_minute_max=A_MINUTE_MAX):
        messages.error(request, _("Please wait a minute before you ask for the file again."))
        return redirect("export")
    write_to(
        user,
        # Once a day: more often says nothing new, and each may be an SMS.
        dedupe_key=f"own-data:{user.pk}:{now.date()}",
        language=get_language() or user.language,
        subject=_("Your data at Tsuzuku was downloaded"),
        text=render_to_string("web/mail/data_taken.txt", {"public_url": settings.PUBLIC_URL, "now": now}),
        link=f"{settings.PUBLIC_URL}/account",
        purpose=f"customer:{user.pk}",
        now=now,
    )
    response = StreamingHttpResponse(own_data(user, now=now), content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return response


@customers_only
@proved
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """Says what goes and what stays, asks, and deletes the account."""
    user, now = owner(request), clock.now()
    balance = balance_of_user(user, now=now)
    form = LeaveForm(request.POST if request.method == "POST" else None, balance=balance)
    if request.method == "POST" and form.is_valid():
        leave_for_good(user=user, now=now)
        logout(request)
        messages.success(request, _("Your account is deleted."))
        return redirect("home")
    return render(request, "web/account/delete.html", {"form": form, "balance": balance})
