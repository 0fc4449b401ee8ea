# SPDX-License-Identifier: Apache-2.0
"""Taking a settlement file: read by its provider's adapter, held against our books, its differences kept."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from tsuzuku.journal import statements
from tsuzuku.kernel.money import Money
from tsuzuku.payments import states
from tsuzuku.payments.errors import ProviderUnknown
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine
from tsuzuku.payments.refunding import our_key
from tsuzuku.payments.registry import providers
from tsuzuku.reports import reconciling_sql as sql
from tsuzuku.reports.errors import (
    DifferenceResolved,
    DifferenceUnknown,
    SettlementEmpty,
    SettlementForeign,
    SettlementOfAnotherTime,
    SettlementTooLarge,
    SettlementUnknown,
)
from tsuzuku.reports.kinds import DifferenceKind
from tsuzuku.reports.models import SettledLine, SettlementDifference, SettlementFile
from tsuzuku.reports.periods import Days, day_of
from tsuzuku.reports.rules import Books, Found, Identity, Matched, Ours, identity_of, match_lines

#: About three hundred thousand lines.
FILE_BYTES_MAX = 64_000_000
#: The next file of a provider tells of the time from the end of the one before, if no day lies between them.
_JOINED_WITHIN = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_ROWS_AT_ONCE = 2000
_GONE_STATES = frozenset({states.SENT, states.DONE})


@dataclass(frozen=True, slots=True)
class Taken:
    """A file in our books, and whether it was there before."""

    file: SettlementFile
    is_new: bool
    #: How many differences of earlier files it has explained.
    explained: int = 0


def take_settlement(
    *,
    name: str,
    body: bytes,
    provider: str | None,
    days: Days | None,
    is_known_foreign: bool = False,
    actor: str,
    now: datetime,
) -> Taken:
    """Reads a settlement file, matches it to our books, and keeps what differs, all or nothing.

    `provider` is whose it must be; None: whoever's it is. `days` are those it was asked for, and lines outside are
    refused; None: as the file says, else from its first line, or the end of the file before it, to its last. The same
    file again changes nothing. Raises SettlementTooLarge, SettlementUnknown, SettlementMalformed, SettlementEmpty,
    SettlementOfAnotherTime, SettlementForeign (unless `is_known_foreign`: for the first file of somebody else's sales),
    or ProviderUnknown.
    """
    if len(body) > FILE_BYTES_MAX:
        raise SettlementTooLarge(bytes_max=FILE_BYTES_MAX)
    if provider is not None and provider not in providers():
        raise ProviderUnknown
    sha256 = hashlib.sha256(body).hexdigest()
    known = SettlementFile.objects.filter(sha256=sha256).first()
    if known is not None:
        return Taken(known, is_new=False)
    whose, settlement = _read(body, provider)
    zone = ZoneInfo(settings.TIME_ZONE)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Files take turns: what one has told the next must know.
            cursor.execute("LOCK TABLE reports_settlementfile IN SHARE ROW EXCLUSIVE MODE")
        known = SettlementFile.objects.filter(sha256=sha256).first()
        if known is not None:
            return Taken(known, is_new=False)
        begins_at, ends_at = _period(whose, settlement, days, zone=zone, now=now)
        matched = match_lines(settlement.lines, _books(whose, settlement), zone=zone)
        if matched.lines and not matched.has_ours and not is_known_foreign:
            raise SettlementForeign(provider=whose, lines=len(matched.lines))
        file = SettlementFile.objects.create(
            provider=whose,
            name=name,
            sha256=sha256,
            begins_at=begins_at,
            ends_at=ends_at,
            others=matched.others,
            known=matched.known,
            taken_by=actor,
            taken_at=now,
        )
        _keep(file, matched, zone=zone)
        return Taken(file, is_new=True, explained=_compare_with_books(file, now=now))


def resolve_difference(*, difference_id: int, actor: str, note: str, now: datetime) -> SettlementDifference:
    """Writes down that somebody has seen to a difference. Raises DifferenceUnknown or DifferenceResolved."""
    with transaction.atomic():
        difference = SettlementDifference.objects.select_for_update().filter(pk=difference_id).first()
        if difference is None:
            raise DifferenceUnknown
        if not difference.is_open:
            raise DifferenceResolved(by=difference.resolved_by)
        difference.resolved_by, difference.resolved_at, difference.note = actor, now, note
        difference.save(update_fields=["resolved_by", "resolved_at", "note"])
        return difference


def _read(body: bytes, provider: str | None) -> tuple[str, Settlement]:
    """Whose file it is, and what it tells."""
    for name, each in providers().items():
        if provider in {None, name} and (settlement := each.read_settlement(body)) is not None:
            return name, settlement
    raise SettlementUnknown


def _period(
    provider: str, settlement: Settlement, days: Days | None, *, zone: ZoneInfo, now: datetime
) -> tuple[datetime, datetime]:
    """The time of which a file tells everything."""
    moments = [line.booked_at for line in settlement.lines]
    if days is not None:
        begins_at, ends_at = days.moments(zone)
        if moments and not begins_at <= min(moments) <= max(moments) < ends_at:
            raise SettlementOfAnotherTime(first=day_of(min(moments), zone), last=day_of(max(moments), zone))
    elif settlement.begins_at is not None and settlement.ends_at is not None:
        begins_at, ends_at = settlement.begins_at, settlement.ends_at
    elif moments:
        begins_at, ends_at = min(moments), max(moments) + _TICK
        before = SettlementFile.objects.filter(provider=provider, ends_at__lte=begins_at).order_by("-ends_at").first()
        if before is not None and begins_at - before.ends_at < _JOINED_WITHIN:
            begins_at = before.ends_at
    else:
        raise SettlementEmpty
    if ends_at > now:
        # Nobody knows when it was downloaded, but that its last line was there.
        ends_at = max([begins_at, *moments]) + _TICK
    return begins_at, ends_at


def _books(provider: str, settlement: Settlement) -> Books:
    """The rows of ours that lines name, and what earlier files have told."""
    names = {text for line in settlement.lines for text in (line.capture_reference, line.reference) if text}
    references = sorted(names)
    wanted = {"provider": provider, "references": references}
    captures = {
        reference: Ours(
            capture_id=capture_id,
            reference=reference,
            amount=Money(amount, currency),
            purpose=purpose,
            began_at=at,
            done_at=at,
        )
        for capture_id, reference, amount, currency, purpose, at in statements.rows(sql.CAPTURES, wanted)
    }
    refunds: dict[str, Ours] = {}
    keys = [key for text in references if (key := our_key(text)) is not None]
    nameless: dict[tuple[str, Money], list[Ours]] = defaultdict(list)
    asked = {**wanted, "keys": keys, "nameless": not settlement.names_refunds}
    for *named, captured, is_untold in statements.rows(sql.REFUNDS, asked):
        refund_id, capture_id, reference, key, amount, currency, purpose, began_at, done_at, state = named
        refund = Ours(
            capture_id=capture_id,
            refund_id=refund_id,
            reference=reference or key,
            amount=Money(amount, currency),
            purpose=purpose,
            began_at=began_at,
            done_at=done_at,
            is_gone=state in _GONE_STATES,
            is_returned=state not in {*_GONE_STATES, states.REQUESTED},
        )
        # Some providers take no hyphens.
        refunds[reference] = refunds[key] = refunds[key.replace("-", "")] = refund
        if not settlement.names_refunds and is_untold and refund.is_gone:
            nameless[captured, refund.amount].append(refund)
    refunds.pop("", None)
    disputes: dict[str, Ours] = {}
    for row in statements.rows(sql.DISPUTES, wanted):
        dispute_id, capture_id, reference, captured, amount, currency, purpose, began_at, done_at, state = row
        disputes[reference] = disputes[captured] = Ours(
            capture_id=capture_id,
            dispute_id=dispute_id,
            reference=reference,
            amount=Money(amount, currency),
            purpose=purpose,
            began_at=began_at,
            done_at=done_at,
            is_returned=state == states.WON,
        )
    known, known_twice = (
        {Identity(SettlementKind(kind), identity) for kind, identity in statements.rows(each, wanted)}
        for each in (sql.KNOWN, sql.KNOWN_TWICE)
    )
    return Books(
        captures=captures,
        refunds=refunds,
        disputes=disputes,
        nameless=nameless,
        known=known,
        known_twice=known_twice,
    )


def _keep(file: SettlementFile, matched: Matched, *, zone: ZoneInfo) -> None:
    """Writes the lines of a file, the differences that they show, and what its provider kept on each day."""
    lines = [_settled(file, line, ours) for line, ours in matched.lines]
    SettledLine.objects.bulk_create(lines, batch_size=_ROWS_AT_ONCE)
    differences = [_difference(file, found, zone=zone) for found in matched.found]
    fees: dict[tuple[date, str], int] = defaultdict(int)
    for line, _ in matched.lines:
        if line.fee is not None:
            fees[day_of(line.booked_at, zone), line.fee.currency] += line.fee.amount_minor
    differences += [
        SettlementDifference(
            file=file,
            provider=file.provider,
            kind=DifferenceKind.FEE_TOTAL,
            day=day,
            amount_minor=total,
            currency=currency,
        )
        for (day, currency), total in sorted(fees.items())
        if total != 0
    ]
    SettlementDifference.objects.bulk_create(differences, batch_size=_ROWS_AT_ONCE)


def _settled(file: SettlementFile, line: SettlementLine, ours: Ours | None) -> SettledLine:
    return SettledLine(
        file=file,
        number=line.number,
        provider=file.provider,
        kind=line.kind,
        identity=identity_of(line).reference,
        capture_reference=line.capture_reference,
        amount_minor=line.amount.amount_minor,
        currency=line.amount.currency,
        fee_minor=line.fee.amount_minor if line.fee else None,
        booked_at=line.booked_at,
        capture_id=ours.capture_id if ours and line.kind is SettlementKind.CAPTURE else None,
        refund_id=ours.refund_id if ours else None,
        dispute_id=ours.dispute_id if ours else None,
    )


def _difference(file: SettlementFile, found: Found, *, zone: ZoneInfo) -> SettlementDifference:
    line, ours = found.line, found.ours
    difference = SettlementDifference(
        file=file,
        provider=file.provider,
        kind=found.kind,
        day=day_of(line.booked_at, zone),
        number=line.number,
        line_kind=line.kind,
        identity=identity_of(line).reference,
        capture_reference=line.capture_reference,
        amount_minor=line.amount.amount_minor,
        currency=line.amount.currency,
        booked_at=line.booked_at,
    )
    if ours is not None:
        difference.capture_id, difference.refund_id = ours.capture_id, ours.refund_id
        difference.dispute_id = ours.dispute_id
        difference.purpose, difference.our_reference, difference.our_at = ours.purpose, ours.reference, ours.began_at
        difference.our_amount_minor, difference.our_currency = ours.amount.amount_minor, ours.amount.currency
    return difference


def _compare_with_books(file: SettlementFile, *, now: datetime) -> int:
    """Finds what a file should have and has not, and closes what it explains; returns how many that are."""
    asked = {
        "file": file.pk,
        "provider": file.provider,
        "zone": settings.TIME_ZONE,
        "begins_at": file.begins_at,
        "ends_at": file.ends_at,
        "now": now,
        "by": f"file:{file.pk}",
    }
    explaining = (
        sql.FOUND_THERE,
        sql.CAPTURES_FOUND_HERE,
        sql.REFUNDS_FOUND_HERE,
        sql.REFUNDS_CAME_BACK,
        sql.DISPUTES_FOUND_HERE,
    )
    explained = sum(statements.execute(each, asked) for each in explaining)
    for missing in (sql.MISSING_CAPTURES, sql.MISSING_REFUNDS, sql.MISSING_DISPUTES):
        statements.execute(missing, asked)
    return explained
