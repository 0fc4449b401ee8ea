# SPDX-License-Identifier: Apache-2.0
"""What prices come to in travellers' own currencies, about: a table that the operator keeps fresh.

It is for reading only: everything is sold in yen, and a bank has a rate of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone

from tsuzuku.catalog.errors import RateFileRefused
from tsuzuku.catalog.models import Rate
from tsuzuku.catalog.rate_file import parse_rates
from tsuzuku.kernel.money import Money

#: An older rate says nothing any more, and nothing is shown.
MAX_AGE = timedelta(days=7)
#: So many digits are told; more would look exact.
_DIGITS = 3


@dataclass(frozen=True)
class RatesImport:
    """What an import did."""

    new: int
    unchanged: int


def import_rates(*, text: bytes, now: datetime) -> RatesImport:
    """Adds a file's rates to the table; what was there stays as history. The same rate again adds nothing.

    All or nothing. Raises RateFileRefused, which holds every mistake.
    """
    parsed = parse_rates(text, now=now, zone=timezone.get_default_timezone())
    if parsed.mistakes:
        raise RateFileRefused(parsed)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE catalog_rate IN SHARE ROW EXCLUSIVE MODE")
        fresh = []
        for entry in parsed.entries:
            latest = Rate.objects.filter(currency=entry.currency, valid_from=entry.valid_from).order_by("-pk").first()
            if latest is None or latest.units_per_yen != entry.units_per_yen:
                fresh.append(Rate(**entry._asdict(), imported_at=now))
        Rate.objects.bulk_create(fresh)
    return RatesImport(new=len(fresh), unchanged=len(parsed.entries) - len(fresh))


def rates_now(*, now: datetime) -> dict[str, Decimal]:
    """What a yen buys of each currency whose rate is fresh. Of two for one moment the one imported last counts."""
    rows = Rate.objects.filter(valid_from__lte=now, valid_from__gt=now - MAX_AGE).order_by("valid_from", "pk")
    return dict(rows.values_list("currency", "units_per_yen"))


def about(price: Money, units_per_yen: Decimal) -> Decimal:
    """What a price in yen comes to, to three digits. Raises ValueError for another currency."""
    if price.currency != "JPY":
        raise ValueError(f"rates are of yen, not of {price.currency}")
    exact = price.amount_minor * units_per_yen
    return exact.quantize(Decimal((0, (1,), exact.adjusted() + 1 - _DIGITS))) if exact else exact
