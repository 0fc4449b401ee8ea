# SPDX-License-Identifier: Apache-2.0
"""Providers that cannot be reached: not offered for a while, until the next payer's try tells whether they are back."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from tsuzuku.payments.models import ProviderOutage

#: Not offered for so long after the first failure, for twice as long after each further one, up to the last.
_HIDDEN_FIRST, _HIDDEN_MAX = timedelta(minutes=1), timedelta(minutes=10)

log = logging.getLogger(__name__)


def hide_provider(provider: str, *, now: datetime) -> None:
    """Offers a provider to nobody for a while, because a payment could not be started there.

    Who was on their way when it went down prolongs nothing.
    """
    with transaction.atomic():
        outage, is_new = ProviderOutage.objects.select_for_update().get_or_create(
            provider=provider, defaults={"since": now, "hidden_until": now + _HIDDEN_FIRST, "failures": 1}
        )
        if is_new or outage.hidden_until <= now:
            if not is_new:
                outage.failures += 1
                outage.hidden_until = now + min(_HIDDEN_FIRST * 2 ** min(outage.failures - 1, 10), _HIDDEN_MAX)
                outage.save(update_fields=["failures", "hidden_until"])
            log.warning("provider %s cannot be reached; not offered until %s", provider, outage.hidden_until)


def show_provider(provider: str) -> None:
    """Offers a provider again: it has answered."""
    ProviderOutage.objects.filter(provider=provider).delete()


def hidden_providers(now: datetime) -> frozenset[str]:
    """Who is not offered at `now`."""
    return frozenset(ProviderOutage.objects.filter(hidden_until__gt=now).values_list("provider", flat=True))
