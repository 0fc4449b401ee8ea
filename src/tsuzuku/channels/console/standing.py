# SPDX-License-Identifier: Apache-2.0
"""What waits for a person today, for the first page: only what its reader may see."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tsuzuku.channels.console.words import state_tag
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders import states as order_states
from tsuzuku.orders.models import Order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.models import Dispute
from tsuzuku.payments.queries import proposals_waiting, refunds_failed
from tsuzuku.people.models import User
from tsuzuku.reports.queries import open_differences

#: What nobody needs to count further than.
_COUNTED_MAX = 1000


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Something that waits for a person, and where it is seen to."""

    title: str
    count: str
    address: str
    is_pressing: bool


def standing(user: User) -> dict[str, Any]:
    """The first page of a member of staff."""
    return {"waits": _waits(user), "today": _orders_of_today() if user.has_perm("console.view_orderentry") else []}


def _waits(user: User) -> list[Waits]:
    found: list[Waits] = []
    if user.has_perm("console.view_orderentry"):
        held = Order.objects.filter(state=order_states.HELD)
        found.append(_waiting(_("Orders that are held"), held, "orderentry", "?state=held"))
    if user.has_perm("console.view_refundentry"):
        found.append(_waiting(_("Refunds that failed"), refunds_failed(), "refundentry", "?state=failed"))
    if user.has_perm("console.view_proposalentry"):
        found.append(
            _waiting(_("Refunds that wait for approval"), proposals_waiting(), "proposalentry", "?state=waiting")
        )
    if user.has_perm("console.view_disputeentry"):
        disputes = Dispute.objects.filter(state=payment_states.OPENED)
        found.append(_waiting(_("Open disputes"), disputes, "disputeentry", "?state=open"))
    if user.has_perm("console.view_differenceentry"):
        found.append(_waiting(_("Open differences"), open_differences(), "differenceentry", "?state=open"))
    return found


def _waiting(title: str, rows: Any, page: str, query: str) -> Waits:  # noqa: ANN401  # any rows
    count = rows[:_COUNTED_MAX].count()
    text = formats.number(count) + ("+" if count == _COUNTED_MAX else "")
    address = reverse(f"admin:console_{page}_changelist") + query
    return Waits(title=title, count=text, address=address, is_pressing=count > 0)


def _orders_of_today() -> list[dict[str, Any]]:
    """Orders that were placed since midnight in the brand's time, by state."""
    zone = timezone.get_default_timezone()
    midnight = datetime.combine(formats.local(clock.now()).date(), time(), zone)
    counted = Order.objects.filter(created_at__gte=midnight).values_list("state").annotate(Count("pk"))
    counts = dict(counted.order_by("state"))
    address = reverse("admin:console_orderentry_changelist")
    return [
        {
            "state": state_tag("order", state),
            "count": formats.number(counts.get(state, 0)),
            "address": f"{address}?state={state}",
        }
        for state in order_states.ORDER_STATES.moves
    ]
