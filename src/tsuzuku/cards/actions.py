# SPDX-License-Identifier: Apache-2.0
"""Verbs: open a card with its PIN, hold it, block it, add cards one by one or by a carrier's file."""

import hmac
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import BinaryIO

from django.db import transaction

from tsuzuku.cards.errors import CardNotOpened, CardUnknown
from tsuzuku.cards.events import CardHeld
from tsuzuku.cards.friend_links import end_links_of, end_links_of_others, forget_shown_names
from tsuzuku.cards.guesses import count_guess
from tsuzuku.cards.models import Blocked, Card, CardHolder, CardKind
from tsuzuku.cards.protection import concealed_activation_code, pin_hash
from tsuzuku.cards.rules import check_name
from tsuzuku.cards.stock_file import Problem, StockCard, StockFormat, StockLine, read_stock
from tsuzuku.cards.stock_sql import StockRow, add_rows, change_rows, known_rows
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.iccid import Iccid, IccidMalformed, parse_iccid
from tsuzuku.people.models import User

_TOKEN_BYTES = 12
#: Compared with where there is no PIN to compare with; nobody knows it, so it fits nothing.
_NO_PIN_HASH = secrets.token_bytes(32)
#: Longer inputs are not worth reading: no number and no PIN is so long.
_TEXT_LENGTH_MAX = 100


def open_with_pin(*, iccid_text: str, pin: str, address: str, now: datetime) -> Card:
    """The card that a number and a PIN open, for whoever knows both. `address` is the IP address of who asks.

    Raises CardNotOpened for a malformed number, an unknown card, a wrong PIN and a card without one, all after the
    same queries, one HMAC and one comparison; TooManyGuesses when the card, the address or the installation has had
    too many. Must not run inside a transaction: a wrong guess has to be counted whatever the caller does next.
    """
    try:
        iccid: str = parse_iccid(iccid_text)
    except IccidMalformed:
        iccid = ""
    fits, card_id = False, None
    with transaction.atomic(durable=True):
        refusal = count_guess(number=iccid or iccid_text[:_TEXT_LENGTH_MAX], address=address, now=now)
        if refusal is None:
            found = Card.objects.filter(iccid=iccid).values_list("pk", "pin_hash").first()
            card_id, kept = found or (None, _NO_PIN_HASH)
            fits = hmac.compare_digest(bytes(kept or _NO_PIN_HASH), pin_hash(iccid, _folded_pin(pin)))
            # A right PIN is no guess: its counts are taken back. Those of wrong ones before it stay.
            transaction.set_rollback(fits)
    if refusal is not None:
        raise refusal
    if not fits or card_id is None:
        raise CardNotOpened
    return Card.objects.get(pk=card_id)


def _folded_pin(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:_TEXT_LENGTH_MAX]).strip()


def hold_card(*, user: User, card: Card, name: str = "", now: datetime) -> CardHolder:
    """Lets a person act for a card from now on; who may is decided by the caller. Holding it twice is holding it once.

    Raises CardNameMalformed.
    """
    name = name.strip()
    check_name(name)
    with transaction.atomic():
        holder, is_new = CardHolder.objects.get_or_create(user=user, card=card, defaults={"name": name, "since": now})
        if is_new:
            if not CardHolder.objects.filter(card=card).exclude(user=user).exists():
                end_links_of_others(card=card, user=user, now=now)
            record_facts([CardHeld(card_id=card.pk, user_id=user.pk)], actor=f"customer:{user.pk}", now=now)
    return holder


def rename_card(*, user: User, card: Card, name: str) -> None:
    """Changes what a person calls a card they hold. Raises CardNameMalformed, or CardUnknown if they do not hold it."""
    name = name.strip()
    check_name(name)
    if not CardHolder.objects.filter(user=user, card=card).update(name=name):
        raise CardUnknown


def release_card(*, user: User, card: Card, now: datetime) -> None:
    """Ends a person's acting for a card, and the links that they made for friends.

    Raises CardUnknown if they do not hold it.
    """
    with transaction.atomic():
        deleted, _by_model = CardHolder.objects.filter(user=user, card=card).delete()
        if not deleted:
            raise CardUnknown
        end_links_of(user=user, cards=[card.pk], now=now)


def release_all(*, user: User, now: datetime) -> None:
    """Ends a person's acting for any card, and forgets what they told friends. The cards go on working as they are."""
    with transaction.atomic():
        cards = list(CardHolder.objects.filter(user=user).values_list("card_id", flat=True))
        CardHolder.objects.filter(user=user).delete()
        end_links_of(user=user, cards=cards, now=now)
        forget_shown_names(user=user)


def block_card(*, card: Card, blocked: Blocked) -> None:
    """Suspends a card, marks it lost, or (Blocked.NO) takes either back."""
    Card.objects.filter(pk=card.pk).update(blocked=blocked)
    card.blocked = blocked


def add_card(
    *,
    iccid: Iccid,
    kind: CardKind,
    carrier: str,
    now: datetime,
    pin: str | None = None,
    imsi: str | None = None,
    msisdn: str | None = None,
    activation_code: str | None = None,
    last_use_date: date | None = None,
    group: str | None = None,
) -> Card:
    """Adds one card of a carrier, as a line of a stock file would; if it is known already, returns it as it is.

    `carrier` is the name of its adapter; the caller sees to it that there is one.
    """
    said = StockCard(
        iccid=iccid,
        kind=kind,
        imsi=imsi,
        msisdn=msisdn,
        activation_code=activation_code,
        pin=pin,
        last_use_date=last_use_date,
        group=group,
    )
    add_rows([_as_kept(said)], carrier=carrier, tokens=[_new_token()], now=now)
    return Card.objects.get(iccid=iccid)


#: Cards in one transaction of an import.
PORTION = 5000
#: So many refused lines are named one by one; all are counted. A file of the wrong kind would refuse every line.
PROBLEMS_MAX = 10_000


@dataclass
class StockImport:
    """What an import did. Every line after the headings is one of accepted, changed, unchanged, refused and blank."""

    stock_format: StockFormat
    #: New cards.
    accepted: int = 0
    #: Known cards of which the file says something else than is known.
    changed: int = 0
    #: Those of them to which it was applied: all with `update`, else none.
    updated: int = 0
    unchanged: int = 0
    blank: int = 0
    refused: Counter[Problem] = field(default_factory=Counter)
    #: The first PROBLEMS_MAX refused lines.
    problems: list[tuple[int, Problem]] = field(default_factory=list)


def import_cards(
    *, file: BinaryIO, carrier: str, update: bool, now: datetime, on_progress: Callable[[], object] = lambda: None
) -> StockImport:
    """Adds the cards of a carrier's stock file; with `update`, also changes known cards to what the file says.

    `carrier` is the name of its adapter; the caller sees to it that there is one. A known card stays its carrier's.

    Each portion of lines is a transaction of its own: an import that was killed has kept what it read so far, and
    repeating it ends as if it had not been killed. `on_progress` is called after each portion.

    Raises StockFileRefused before anything is written when the file as a whole cannot be read.
    """
    stock_format, lines = read_stock(file)
    result = StockImport(stock_format)
    while portion := list(islice(lines, PORTION)):
        _import_portion(portion, result, carrier=carrier, update=update, now=now)
        on_progress()
    return result


def _import_portion(
    lines: Sequence[StockLine], result: StockImport, *, carrier: str, update: bool, now: datetime
) -> None:
    rows = [_as_kept(line.card) for line in lines if line.card is not None]
    with transaction.atomic():
        known = known_rows([row.iccid for row in rows])
        fresh = [row for row in rows if row.iccid not in known]
        added = add_rows(fresh, carrier=carrier, tokens=[_new_token() for _row in fresh], now=now)
        # What another import added since we looked is known by now.
        known |= known_rows([row.iccid for row in fresh if row.iccid not in added])
        changed = [row for row in rows if row.iccid in known and row.says_otherwise(known[row.iccid])]
        if update and changed:
            change_rows(changed)
    result.accepted += len(added)
    result.changed += len(changed)
    result.updated += len(changed) if update else 0
    result.unchanged += len(rows) - len(added) - len(changed)
    for line in lines:
        if line.problem is not None:
            result.refused[line.problem] += 1
            if len(result.problems) < PROBLEMS_MAX:
                result.problems.append((line.number, line.problem))
        elif line.card is None:
            result.blank += 1


def _as_kept(card: StockCard) -> StockRow:
    code = card.activation_code
    return StockRow(
        iccid=card.iccid,
        kind=card.kind.value,
        imsi=card.imsi,
        msisdn=card.msisdn,
        activation_code_encrypted=None if code is None else concealed_activation_code(card.iccid, code),
        pin_hash=None if card.pin is None else pin_hash(card.iccid, card.pin),
        last_use_date=card.last_use_date,
        group=card.group,
    )


def _new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)
