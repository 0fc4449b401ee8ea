# SPDX-License-Identifier: Apache-2.0
"""What is left of captured money: how much may still go back, how much could not, and how much banks have taken."""

from django.db.models import Sum

from tsuzuku.payments import states
from tsuzuku.payments.models import Capture


def refundable_minor(capture: Capture) -> int:
    """What is left of a capture: neither gone back, nor on its way, nor lost by a dispute. Locks it until the commit.

    Less than nothing if a bank took what was on its way already.
    """
    Capture.objects.select_for_update().get(pk=capture.pk)
    refunds = capture.refunds.exclude(state__in=states.NOTHING_RETURNED_STATES)
    returned = refunds.aggregate(total=Sum("amount_minor"))["total"] or 0
    return capture.amount_minor - returned - lost_minor(capture)


def failed_minor(capture: Capture) -> int:
    """What a provider would not give back of a locked capture: it is still owed, and is retried or closed."""
    return capture.refunds.filter(state=states.FAILED).aggregate(total=Sum("amount_minor"))["total"] or 0


def lost_minor(capture: Capture) -> int:
    """What the payer's bank has given back of a capture by disputes that were lost."""
    return capture.disputes.filter(state=states.LOST).aggregate(total=Sum("amount_minor"))["total"] or 0


def is_disputed(capture: Capture) -> bool:
    """Whether the payer's bank holds money of a capture until a dispute has ended."""
    return capture.disputes.filter(state=states.OPENED).exists()
