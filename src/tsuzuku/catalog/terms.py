# SPDX-License-Identifier: Apache-2.0
"""The terms of a plan: what its renewal gives and how that joins what a card already has.

Pure, shared by plan files, scenario files and the rules of `allowances`. The fields and their meaning are those of
docs/contracts/scenario.md; the mistakes' codes are those of docs/contracts/plans.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class LotKind(StrEnum):
    """What a lot holds: data in bytes, voice in seconds, or messages."""

    DATA = "data"
    VOICE = "voice"
    MESSAGE = "message"


class DayRule(StrEnum):
    """How days are counted: 24 hours of elapsed time each, or local calendar days."""

    ROLLING = "rolling"
    CALENDAR = "calendar"


class Start(StrEnum):
    """When the validity of a lot of its own begins."""

    NOW = "now"
    FIRST_USE = "first_use"
    TAP = "tap"


class Stacking(StrEnum):
    """How a renewal joins what the card already has."""

    SEPARATE = "separate"
    QUEUE = "queue"
    SEQUEL = "sequel"
    EXTEND = "extend"
    EXTEND_BY = "extend_by"
    RESET = "reset"
    VALUE_ONLY = "value_only"


#: Lots of these start when it is their turn, by themselves.
TURN_STACKINGS = frozenset({Stacking.QUEUE, Stacking.SEQUEL})
#: Renewals of these join the current lot where there is one.
JOINING_STACKINGS = frozenset({Stacking.EXTEND, Stacking.EXTEND_BY, Stacking.RESET, Stacking.VALUE_ONLY})

START_WITHIN_DAYS = 180


@dataclass(frozen=True, kw_only=True)
class PlanTerms:
    """One immutable version of a plan's terms. Amounts are per kind; None is unlimited."""

    code: str
    amounts: Mapping[LotKind, int | None]
    days: int
    daily_bytes: int | None = None
    day_rule: DayRule = DayRule.ROLLING
    start: Start = Start.NOW
    start_within_days: int = START_WITHIN_DAYS
    stacking: Stacking = Stacking.SEPARATE
    joins: frozenset[str] = frozenset()
    extend_days: int | None = None
    max_stack: int | None = None
    grace_hours: int | None = None
    restore_hours: int = 0
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """The terms as plain JSON, the same for the same terms."""
        return {
            **asdict(self),
            "amounts": {str(kind): amount for kind, amount in sorted(self.amounts.items())},
            "joins": sorted(self.joins),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "PlanTerms":
        """The terms as `to_json` wrote them."""
        return cls(
            **{
                **body,
                "amounts": {LotKind(kind): amount for kind, amount in body["amounts"].items()},
                "day_rule": DayRule(body["day_rule"]),
                "start": Start(body["start"]),
                "stacking": Stacking(body["stacking"]),
                "joins": frozenset(body["joins"]),
            }
        )


@dataclass(frozen=True)
class Mistake:
    """One mistake in a plan: which plan (its code, or its place in the file), which field, and a stable code."""

    plan: str
    field: str
    code: str


def is_whole(value: object, *, least: int | None = None) -> bool:
    """Whether a JSON value is an integer (a JSON boolean is not), and at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def _or_null(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


def _one_of(words: type[StrEnum]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in {str(word) for word in words}


def _is_amount(value: object) -> bool:
    return is_whole(value, least=0)


def _is_length(value: object) -> bool:
    return is_whole(value, least=1)


def _is_codes(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(code, str) for code in value)


#: The fields of docs/contracts/scenario.md and what each may hold.
STACKING_FIELDS: Mapping[str, Callable[[object], bool]] = {
    "data_bytes": _or_null(_is_amount),
    "daily_bytes": _is_amount,
    "days": _is_length,
    "day_rule": _one_of(DayRule),
    "start": _one_of(Start),
    "start_within_days": _is_amount,
    "stacking": _one_of(Stacking),
    "joins": _is_codes,
    "extend_days": _is_amount,
    "max_stack": _is_amount,
    "grace_hours": _or_null(_is_amount),
    "restore_hours": _is_amount,
    "priority": is_whole,
}

#: The fields of docs/contracts/plans.md that make lots of other kinds; absent means none, null unlimited.
SERVICE_FIELDS: Mapping[str, Callable[[object], bool]] = {
    "voice_seconds": _or_null(_is_amount),
    "messages": _or_null(_is_amount),
}

_REQUIRED = ("data_bytes", "days")
_KIND_FIELDS = {"data_bytes": LotKind.DATA, "voice_seconds": LotKind.VOICE, "messages": LotKind.MESSAGE}


def parse_terms(code: str, fields: Mapping[str, object]) -> tuple[PlanTerms | None, list[Mistake]]:
    """Reads a plan's terms out of its fields; fields that are not terms are left to the caller.

    Returns the terms, or None with every mistake found (`value-malformed`, `combination-malformed`). That the plans
    named in `joins` exist is checked by whoever knows them all.
    """
    mistakes = [Mistake(code, name, "value-malformed") for name in _REQUIRED if name not in fields]
    checks = {**STACKING_FIELDS, **SERVICE_FIELDS}
    for name, value in fields.items():
        if name in checks and not checks[name](value):
            mistakes.append(Mistake(code, name, "value-malformed"))
    if mistakes:
        return None, mistakes
    given: dict[str, Any] = {name: value for name, value in fields.items() if name in STACKING_FIELDS}
    del given["data_bytes"]
    terms = PlanTerms(
        code=code,
        amounts={kind: fields[name] for name, kind in _KIND_FIELDS.items() if name in fields},  # type: ignore[misc]  # checked above
        **{
            **given,
            "joins": frozenset(given.get("joins", [code])),
            "day_rule": DayRule(given.get("day_rule", DayRule.ROLLING)),
            "start": Start(given.get("start", Start.NOW)),
            "stacking": Stacking(given.get("stacking", Stacking.SEPARATE)),
        },
    )
    mistakes = [Mistake(code, name, "combination-malformed") for name in _malformed_combinations(terms)]
    return (None, mistakes) if mistakes else (terms, [])


def _malformed_combinations(terms: PlanTerms) -> list[str]:
    """The fields that do not go together, by the table of docs/contracts/scenario.md."""
    malformed = []
    if terms.stacking in TURN_STACKINGS and terms.start is Start.FIRST_USE:
        malformed.append("start")
    if terms.stacking is Stacking.EXTEND_BY and terms.start is not Start.NOW:
        malformed.append("start")
    if terms.stacking is Stacking.EXTEND_BY and terms.extend_days is None:
        malformed.append("extend_days")
    return malformed
