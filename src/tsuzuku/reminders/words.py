# SPDX-License-Identifier: Apache-2.0
"""What reminders say, in the active language: a title that says it all, and what else helps. Pure but for that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils.translation import get_language, gettext

from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.orders.payers import Came
from tsuzuku.payments.balance import CURRENCY
from tsuzuku.reminders.rules import BEFORE_END, Kind
from tsuzuku.usage.models import AnomalyKind


@dataclass(frozen=True, slots=True)
class Words:
    """A reminder in words. `call` says what its link is for."""

    title: str
    sentences: tuple[str, ...]
    call: str


def words_of(kind: Kind, figures: Mapping[str, Any], *, card: str, now: datetime) -> Words:
    """The words of a reminder. `card` is what its reader calls the card; `now` is when it was told."""
    if kind in BEFORE_END:
        return _end(figures, card=card, now=now)
    match kind:
        case Kind.USED_UP:
            return Words(
                gettext("The data of %(card)s is used up") % {"card": card},
                (gettext("Renew now, and it is online again within minutes."),),
                gettext("Renew:"),
            )
        case Kind.RUNS_LOW:
            return _low(figures, card=card, now=now)
        case Kind.FRIEND_RENEWED:
            return _friend(figures, card=card)
        case Kind.BALANCE_ENDS:
            return _balance(figures, now=now)
        case _:
            return _unusual(figures, card=card)


def _end(figures: Mapping[str, Any], *, card: str, now: datetime) -> Words:
    end = _moment(figures["until"])
    told = {"card": card, "span": formats.duration(_about(end - now)), "until": formats.until(end, now=now)}
    title = gettext("%(card)s is online for %(span)s more") % told
    until = gettext("What is on it ends on %(until)s (Japan time).") % told
    if figures.get("waits_for_tap"):
        return Words(title, (until, gettext("Another plan waits on it. Start it when you need it.")), gettext("Start:"))
    return Words(title, (until, gettext("Renew before that, and nothing that is left is lost.")), gettext("Renew:"))


def _about(span: timedelta) -> timedelta:
    """A span as people say it: to the hour, or below two hours to ten minutes."""
    step = timedelta(hours=1) if span >= timedelta(hours=2) else timedelta(minutes=10)
    return max(round(span / step), 1) * step


def _low(figures: Mapping[str, Any], *, card: str, now: datetime) -> Words:
    told = {"card": card, "left": formats.data_size(figures["left"])}
    sentences = [gettext("Four fifths of its data are used.")]
    if figures.get("until"):
        until = formats.until(_moment(figures["until"]), now=now)
        sentences.append(gettext("What is left can be used until %(until)s (Japan time).") % {"until": until})
    return Words(gettext("%(card)s has %(left)s left") % told, tuple(sentences), gettext("Renew:"))


def _unusual(figures: Mapping[str, Any], *, card: str) -> Words:
    day = formats.day(date.fromisoformat(figures["day"]))
    match figures["anomaly"]:
        case AnomalyKind.TENFOLD:
            told = {"card": card, "amount": formats.data_size(figures["amount"]), "day": day}
            return Words(
                gettext("%(card)s used %(amount)s on %(day)s, ten times its usual") % told,
                (gettext("Was that not you? Look which app it was, and who shares the connection."),),
                gettext("Your card:"),
            )
        case AnomalyKind.AFTER_EXPIRY:
            return Words(
                gettext("%(card)s is in use, but it has no plan any more") % {"card": card},
                (gettext("Renew now, and it is online again within minutes."),),
                gettext("Renew:"),
            )
        case _:
            return Words(
                gettext("Somebody tried to use %(card)s, which is blocked") % {"card": card},
                (gettext("It stays blocked. If you have found the card again, ask where you bought it."),),
                gettext("Your card:"),
            )


def _friend(figures: Mapping[str, Any], *, card: str) -> Words:
    names: Mapping[str, str] = figures["plans"]
    told = {"card": card, "plan": names.get(get_language() or "") or names["en"], "name": figures.get("giver", "")}
    kept = gettext("It is paid. What was left on the card is kept.")
    if figures["came"] == Came.REMINDER:
        title = gettext("%(card)s was renewed with %(plan)s") % told
        return Words(title, (gettext("Somebody paid by the link in our reminder."), kept), gettext("Your card:"))
    title = gettext("A friend renewed %(card)s with %(plan)s") % told
    sentences = [gettext("Their name, as they left it: %(name)s") % told] if told["name"] else []
    return Words(title, (*sentences, kept), gettext("Your card:"))


def _balance(figures: Mapping[str, Any], *, now: datetime) -> Words:
    told = {
        "amount": formats.money(Money(figures["amount_minor"], CURRENCY)),
        "until": formats.until(_moment(figures["until"]), now=now),
    }
    return Words(
        gettext("%(amount)s of your balance can be spent until %(until)s") % told,
        (gettext("Pay a renewal from it before that."),),
        gettext("Your balance:"),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
