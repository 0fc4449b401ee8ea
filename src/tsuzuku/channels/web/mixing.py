# SPDX-License-Identifier: Apache-2.0
"""Mixes on pages: in addresses, in the two lists of the form, and remembered for the next visit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import ngettext

from tsuzuku.catalog.mixes import Mix, MixRule
from tsuzuku.catalog.models import Plan
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats

_SESSION_KEY = "mix"
#: As many digits as any amount of data in bytes.
_DIGITS_MAX = 16
#: A list longer than this shows only some of the steps; addresses take them all.
_CHOICES_MAX = 100
#: What is proposed to who has never chosen, as far as the rule has it.
_FIRST = Mix(5 * 10**9, 7)


@dataclass(frozen=True, slots=True)
class MixTile:
    """A plan to be mixed, as the plans page shows it."""

    name: str
    address: str
    rule: MixRule
    #: What its smallest mix costs.
    least: Money


#: A value and what it is called.
Choices = list[tuple[int, str]]


def asked_mix(request: HttpRequest) -> Mix | None:
    """The mix in an address; None if there is none in it."""
    data, days = request.GET.get("data", ""), request.GET.get("days", "")
    return Mix(int(data), int(days)) if _is_number(data) and _is_number(days) else None


def confirm_address(token: str, plan_code: str, mix: Mix | None) -> str:
    """Where somebody confirms a plan for a card, or a mix of one."""
    query = f"?{urlencode({'data': mix.data_bytes, 'days': mix.days})}" if mix else ""
    return reverse("confirm", args=[token, plan_code]) + query


def mix_tiles(plans: Iterable[Plan], token: str, language: str) -> list[MixTile]:
    """The plans that can be mixed, for a card that can be renewed."""
    return [
        MixTile(plan.name_in(language), reverse("mix", args=[token, plan.code]), rule, rule.price(rule.least))
        for plan in plans
        if (rule := plan.mix_rule) is not None
    ]


def remember_mix(request: HttpRequest, mix: Mix) -> None:
    """Keeps what was chosen last for this browser's next visit."""
    if request.session.get(_SESSION_KEY) != [mix.data_bytes, mix.days]:
        request.session[_SESSION_KEY] = [mix.data_bytes, mix.days]


def proposed_mix(request: HttpRequest, rule: MixRule) -> Mix:
    """What was chosen last, or a usual mix, made to fit the rule."""
    data_bytes, days = request.session.get(_SESSION_KEY, (_FIRST.data_bytes, _FIRST.days))
    steps = max(data_bytes // rule.bytes_step, 1)
    return Mix(min(steps * rule.bytes_step, rule.bytes_most), min(days, rule.days_max))


def data_choices(rule: MixRule, chosen: Mix) -> Choices:
    """The amounts of data that can be chosen."""
    steps = _thinned(range(1, rule.bytes_most // rule.bytes_step + 1), chosen.data_bytes // rule.bytes_step)
    return [(step * rule.bytes_step, formats.data_size(step * rule.bytes_step)) for step in steps]


def days_choices(rule: MixRule, chosen: Mix) -> Choices:
    """The numbers of days that can be chosen."""
    return [
        (days, ngettext("%(days)s day", "%(days)s days", days) % {"days": formats.number(days)})
        for days in _thinned(range(1, rule.days_max + 1), chosen.days)
    ]


def _thinned(values: Sequence[int], chosen: int) -> list[int]:
    """At most about a hundred of them, the first, the last and the chosen one for certain."""
    if len(values) <= _CHOICES_MAX:
        return list(values)
    return sorted({values[0], values[-1], chosen, *values[:: -(-len(values) // _CHOICES_MAX)]})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
