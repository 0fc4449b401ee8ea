# SPDX-License-Identifier: Apache-2.0
"""Reads of reconciliation that have more than one caller."""

from datetime import date
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from tsuzuku.journal import statements
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind
from tsuzuku.reports import reconciling_sql as sql
from tsuzuku.reports.kinds import INFORMATION
from tsuzuku.reports.models import SettlementDifference, SettlementFile


class DayFigure(NamedTuple):
    """What lines of one kind of one day come to, in one currency."""

    day: date
    kind: SettlementKind
    lines: int
    total: Money
    fees: Money


def figures_of(file: SettlementFile) -> list[DayFigure]:
    """What the lines of a file come to, by day; lines that an earlier file had told are not counted again."""
    rows = statements.rows(sql.FIGURES, {"file": file.pk, "zone": settings.TIME_ZONE})
    return [
        DayFigure(day, SettlementKind(kind), count, Money(total, currency), Money(fees, currency))
        for day, kind, currency, count, total, fees in rows
    ]


def differences_of(file: SettlementFile) -> QuerySet[SettlementDifference]:
    """Everything that a file showed, by day; information and what has been seen to as well."""
    return file.differences.order_by("day", "number", "pk")


def open_differences(provider: str | None = None) -> QuerySet[SettlementDifference]:
    """What a person has yet to see to, by provider and day."""
    found = SettlementDifference.objects.filter(resolved_at=None).exclude(kind__in=sorted(INFORMATION))
    if provider is not None:
        found = found.filter(provider=provider)
    return found.select_related("file").order_by("provider", "day", "pk")
