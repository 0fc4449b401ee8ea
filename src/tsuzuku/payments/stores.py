# SPDX-License-Identifier: Apache-2.0
"""Convenience stores at which slips are paid: what stands above the door, and what to do inside.

The words of machines are quoted as they stand there. Read on 2026-11-21 in what merchants tell their customers:
help.komoju.com (How to pay at convenience stores), willer-travel.com/en/guide/payment/store, mrsgreenapple.com/faq,
sbpayment.jp/en/support/how_to_pay, help.onamae.com/answer/8914, mucome.net/seicomart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_KEY_IN = _("Key in the payment number, then the confirmation number, and confirm what is shown.")
_TO_THE_TILL = _("Take the printed slip to the till within 30 minutes and pay in cash.")
_WITH_LOPPI = (_("At the red machine “Loppi”, touch 各種番号をお持ちの方 (“I have a number”)."), _KEY_IN, _TO_THE_TILL)


@dataclass(frozen=True, slots=True)
class Store:
    """A chain of stores. `sign` is what stands above its doors in Japanese."""

    name: "StrOrPromise"
    sign: str
    #: What to do there, in order.
    steps: "tuple[StrOrPromise, ...]"


STORES: Mapping[str, Store] = {
    "familymart": Store(
        _("FamilyMart"),
        "ファミリーマート",
        (
            _("At the machine マルチコピー機 (“Multi-copy”), touch 代金支払い (“Payment”), then 番号入力 (“Number”)."),
            _KEY_IN,
            _TO_THE_TILL,
        ),
    ),
    "lawson": Store(_("Lawson"), "ローソン", _WITH_LOPPI),
    "ministop": Store(_("Ministop"), "ミニストップ", _WITH_LOPPI),
    "seicomart": Store(
        _("Seicomart"),
        "セイコーマート",
        (
            _(
                "At the till, say インターネットの支払い (“Intānetto no shiharai”) or show this page. Where there is a "
                "machine クラブステーション, touch インターネット受付 on it instead."
            ),
            _KEY_IN,
            _("Pay in cash at the till."),
        ),
    ),
    "seven_eleven": Store(
        _("7-Eleven"),
        "セブン-イレブン",
        (
            _("At the till, say インターネット支払い (“Intānetto shiharai”) and show this page."),
            _("The clerk keys in the payment number (払込票番号)."),
            _("Pay in cash."),
        ),
    ),
}


def store(name: str) -> Store:
    """The store of a slip. One that nobody here knows has its own name, and its clerks know what to do."""
    if found := STORES.get(name):
        return found
    title = name.replace("_", " ").title()
    return Store(title, "", (_("Show this page at the till and ask how to pay."), _("Pay in cash.")))


def digit_groups(number: str) -> list[str]:
    """A number in groups that can be read aloud: fours, or threes of a short one. What is no number stays whole."""
    if not (number.isascii() and number.isdigit()) or len(number) < 6:
        return [number] if number else []
    size = 3 if len(number) <= 6 or len(number) == 9 else 4
    groups = [number[start : start + size] for start in range(0, len(number), size)]
    if len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups
