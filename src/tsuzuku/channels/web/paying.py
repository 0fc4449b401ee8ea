# SPDX-License-Identifier: Apache-2.0
"""How one can pay, as a page offers it: the likely ways first, each with what it asks of the payer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tsuzuku.channels.web.payers import Payer
from tsuzuku.channels.web.plan_texts import method_name
from tsuzuku.payments.methods import Shape, likely_first, shape_of
from tsuzuku.payments.queries import offered_methods

#: So many are shown at once, the others behind a word.
_SHOWN_AT_ONCE = 4

#: What somebody must have to pay so. A method that a provider brings without our knowing has no note.
_NOTES = {
    "card": _("Foreign cards work: Visa, Mastercard, JCB, Amex, UnionPay"),
    "apple_pay": _("On an iPhone, iPad or Mac. The foreign cards in its Wallet work"),
    "paypal": _("With a PayPal account of any country. Foreign cards in it work"),
    "alipay": _("Needs an Alipay account that can pay abroad"),
    "wechat_pay": _("Needs a WeChat account that can pay abroad"),
    "paypay": _("Needs a PayPay account of Japan. Foreign cards do not work"),
    "konbini": _("At FamilyMart, Lawson, Ministop or Seicomart. No card needed"),
    "seven_eleven": _("At the till of any 7-Eleven. No card needed"),
    "sandbox": _("For trying things out"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to pay. `value` is what a form sends."""

    method: str
    value: str
    name: str
    note: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Choices:
    """Every way to pay, the likely ones apart from the others; `chosen` is the value that is ticked beforehand."""

    likely: tuple[Choice, ...]
    others: tuple[Choice, ...]
    chosen: str
    #: Names of ways that cannot be had at the moment.
    unreachable: str
    #: Whether stores are left out, because the order is too old for new numbers.
    are_slips_over: bool


def choices_for(
    payer: Payer,
    *,
    currency: str,
    now: datetime,
    besides: str = "",
    gives_slips: bool = True,
    choose: Callable[[Sequence[str]], str] = lambda _: "",
) -> Choices:
    """The ways to pay that can be had now, in the order in which this payer will want them; none of `besides`.

    Stores are left out unless `gives_slips`. `choose` names the method, of those that it is given, that is shown first
    and chosen beforehand; empty: the likely one.
    """
    offered = offered_methods(currency, now=now)
    likely = likely_first(offered.providers, country=payer.country, device=payer.device)
    slips = [method for method in likely if shape_of(method) is Shape.SLIP and not gives_slips]
    methods = [method for method in likely if method != besides and method not in slips]
    chosen = choose(methods)
    ordered = tuple(
        _choice(method, offered.providers) for method in sorted(methods, key=lambda method: method != chosen)
    )
    # A single one behind a word would only cost a tap.
    shown = len(ordered) if len(ordered) == _SHOWN_AT_ONCE + 1 else _SHOWN_AT_ONCE
    return Choices(
        likely=ordered[:shown],
        others=ordered[shown:],
        chosen=ordered[0].value if ordered else "",
        unreachable=gettext(", ").join(method_name(method) for method in offered.unreachable),
        are_slips_over=bool(slips),
    )


def needs_address(method: str) -> bool:
    """Whether a payer must say where they read mail.

    What is paid at a store takes days: the numbers are mailed, and who gets money back from a till is asked for a bank
    account by mail.
    """
    return shape_of(method) is Shape.SLIP


def method_of(value: str) -> str:
    """The method that a form's value names."""
    return value.partition(":")[2]


def _choice(method: str, offered: Mapping[str, str]) -> Choice:
    return Choice(
        method=method,
        value=f"{offered[method]}:{method}",
        name=method_name(method),
        note=str(_NOTES.get(method, "")),
        shape=shape_of(method),
    )
