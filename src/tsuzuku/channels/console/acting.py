# SPDX-License-Identifier: Apache-2.0
"""Doing something: a form with a reason, a page that says what will happen, the deed, and its entry in the trail."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from tsuzuku.channels.console import door
from tsuzuku.channels.console.deeds import Deed, Doer, ReasonForm, deeds_for
from tsuzuku.channels.console.events import StaffActed
from tsuzuku.channels.console.models import TrailEntry
from tsuzuku.channels.console.words import refusal_words
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.people.models import User
from tsuzuku.people.staff import staff_actor

#: Among so many of somebody's latest entries a second press is looked for.
_LATEST = 50


def act(request: HttpRequest, row: Model, *, slug: str, name: str, back: str, context: dict[str, Any]) -> HttpResponse:
    """Shows a deed's form, then what it will do, and does it when that was confirmed."""
    deed = next((each for each in deeds_for(slug) if each.name == name), None)
    if deed is None:
        raise Http404
    if not request.user.has_perm(deed.permission):
        raise PermissionDenied
    if deed.is_money and (again := door.asked_again(request)) is not None:
        return again
    form = deed.form(request.POST or None, row=row)
    is_checked = form.is_bound and form.is_valid()
    if is_checked and "confirmed" in request.POST:
        return _done(request, deed, row, form, back=back)
    if not form.is_bound and not deed.fits(row):
        messages.warning(request, _("There is nothing to do here any more."))
        return redirect(back)
    shown = {
        **context,
        "title": deed.title,
        "deed": deed,
        "row": row,
        "form": form,
        "back": back,
        "details": form.details() if is_checked else [],
    }
    return TemplateResponse(request, "console/confirm.html" if is_checked else "console/act.html", shown)


def _done(request: HttpRequest, deed: Deed, row: Model, form: ReasonForm, *, back: str) -> HttpResponse:
    user, now = door.staff_of(request), clock.now()
    key: uuid.UUID = form.cleaned_data["key"]
    doer = Doer(actor=staff_actor(user), now=now, key=key)
    acted = StaffActed(
        subject=deed.subject(row),
        deed=deed.name,
        reason=form.cleaned_data["reason"],
        details="; ".join(f"{name}: {value}" for name, value in form.details()),
        key=str(key),
    )
    try:
        with transaction.atomic():
            # One after the other, so that the second press finds the first one's entry.
            User.objects.select_for_update().get(pk=user.pk)
            if not _is_done(doer):
                deed.act(row, form.cleaned_data, doer)
                record_facts([acted], actor=doer.actor, now=now)
    except DomainError as refusal:
        messages.error(request, refusal_words(refusal))
    else:
        if deed.hand_out is not None:
            return deed.hand_out(row, doer)
        messages.success(request, _("Done: %(deed)s.") % {"deed": deed.title})
    return redirect(back)


def _is_done(doer: Doer) -> bool:
    latest = TrailEntry.objects.filter(actor=doer.actor, kind=StaffActed.kind).order_by("-pk")[:_LATEST]
    return str(doer.key) in {entry.body["key"] for entry in latest}
