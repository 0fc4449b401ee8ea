# SPDX-License-Identifier: Apache-2.0
"""What the files of `tsuzuku simulate` and `tsuzuku advise` have in common: plans, times, a zone, and mistakes."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tsuzuku.catalog.terms import STACKING_FIELDS, PlanTerms, parse_terms


class FieldMalformed(ValueError):
    """Something in a file is not what it must be: where, and what to mend."""

    def __init__(self, *, at: str, why: str) -> None:
        super().__init__(f"{at}: {why}")
        self.at = at
        self.why = why


def read_json(text: str | bytes) -> object:
    """The content of a file. Raises FieldMalformed, as everything here does."""
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise FieldMalformed(at="file", why=f"is not JSON ({problem})") from None
    return body


def read_object(
    body: object, *, at: str, required: Collection[str], optional: Collection[str] = ()
) -> Mapping[str, Any]:
    """An object with these fields and no others."""
    if not isinstance(body, dict):
        raise FieldMalformed(at=at, why="must be an object")
    if missing := [name for name in required if name not in body]:
        raise FieldMalformed(at=at, why=f"lacks {missing[0]}")
    if unknown := [name for name in body if name not in required and name not in optional]:
        raise FieldMalformed(at=at, why=f"has an unknown field {unknown[0]!r}")
    return body


def read_list(body: object, *, at: str) -> Sequence[object]:
    """A list of anything."""
    if not isinstance(body, list):
        raise FieldMalformed(at=at, why="must be a list")
    return body


def read_zone(name: object) -> ZoneInfo:
    """A zone by its name, such as Asia/Tokyo."""
    try:
        if isinstance(name, str) and name:
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        pass  # Each is zoneinfo's way to say that it knows no such zone; the line below says it to people.
    raise FieldMalformed(at="timezone", why=f"unknown timezone {name!r}")


def read_moment(text: object, *, at: str, field: str) -> datetime:
    """A time with an offset, in UTC."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # Not a time; said below.
    raise FieldMalformed(at=at, why=f"{field} must be a time with an offset, such as 2026-04-01T09:00:00+09:00")


def read_plans(body: object, *, besides: Collection[str] = ()) -> dict[str, PlanTerms]:
    """The terms of plans by their codes. Fields `besides` those of docs/contracts/scenario.md are the caller's."""
    if not isinstance(body, dict):
        raise FieldMalformed(at="plans", why="must be an object")
    plans = {}
    for code, fields in body.items():
        at = f"plan {code!r}"
        if not isinstance(fields, dict):
            raise FieldMalformed(at=at, why="must be an object")
        if unknown := [name for name in fields if name not in STACKING_FIELDS and name not in besides]:
            raise FieldMalformed(at=at, why=f"has an unknown field {unknown[0]!r}")
        terms, mistakes = parse_terms(code, {name: value for name, value in fields.items() if name not in besides})
        if terms is None:
            raise FieldMalformed(at=at, why=f"{mistakes[0].field} is missing or malformed ({mistakes[0].code})")
        plans[code] = terms
    for code, terms in plans.items():
        if strangers := sorted(terms.joins - set(plans)):
            raise FieldMalformed(at=f"plan {code!r}", why=f"joins an unknown plan {strangers[0]!r}")
    return plans
