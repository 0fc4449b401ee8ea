# SPDX-License-Identifier: Apache-2.0
"""Where somebody is logged in, and ending it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tsuzuku.channels.web.access import owner
from tsuzuku.kernel import clock
from tsuzuku.people.browsers import browsers_of, end_browser, end_other_browsers


@never_cache
@login_required
@require_safe
def devices_page(request: HttpRequest) -> HttpResponse:
    """Every browser in which the account is open, this one marked."""
    now = clock.now()
    browsers = browsers_of(owner(request), now=now)
    context = {"browsers": browsers, "here": request.session.session_key, "now": now}
    return render(request, "web/account/devices.html", context)


@login_required
@require_POST
def end(request: HttpRequest, browser_id: int) -> HttpResponse:
    """Logs out in one of them; in this one as if by the button for it."""
    if not end_browser(user=owner(request), browser_id=browser_id):
        raise Http404
    if not request.session.exists(request.session.session_key or ""):
        request.session.flush()
        return redirect("home")
    messages.success(request, _("It is logged out there."))
    return redirect("devices")


@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Logs out everywhere but here."""
    end_other_browsers(user=owner(request), session_key=request.session.session_key)
    messages.success(request, _("You are logged in on this device only."))
    return redirect("devices")
