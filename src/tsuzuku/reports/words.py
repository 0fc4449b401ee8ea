# SPDX-License-Identifier: Apache-2.0
"""Differences in words, for whoever has to see to them."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext

from tsuzuku.kernel.money import Money
from tsuzuku.look.formats import money
from tsuzuku.payments.ports import SettlementKind
from tsuzuku.reports.kinds import DifferenceKind
from tsuzuku.reports.models import SettlementDifference


def thing(kind: str) -> str:
    """What a line is of."""
    names = {
        SettlementKind.CAPTURE: gettext("payment"),
        SettlementKind.REFUND: gettext("refund"),
        SettlementKind.REFUND_RETURNED: gettext("refund that came back"),
        SettlementKind.DISPUTE: gettext("dispute"),
        SettlementKind.DISPUTE_RETURNED: gettext("dispute that was won"),
    }
    return names.get(SettlementKind(kind), kind) if kind else ""


def kind_name(kind: str) -> str:
    """A kind of difference, or of what one should only know."""
    names = {
        DifferenceKind.MISSING_HERE: gettext("only in the file"),
        DifferenceKind.MISSING_THERE: gettext("only in our books"),
        DifferenceKind.AMOUNT_DIFFERS: gettext("another amount"),
        DifferenceKind.CURRENCY_DIFFERS: gettext("another currency"),
        DifferenceKind.TWICE_IN_FILE: gettext("twice in the file"),
        DifferenceKind.REFUND_BY_HAND: gettext("refund made by hand"),
        DifferenceKind.DISPUTE_UNKNOWN: gettext("unknown dispute"),
        DifferenceKind.ANOTHER_DAY: gettext("another day"),
        DifferenceKind.FEE_TOTAL: gettext("fees of the day"),
    }
    return names[DifferenceKind(kind)]


def explanation(difference: SettlementDifference) -> str:
    """One sentence: what is in which of the two, and what to do about it."""
    return _EXPLANATIONS[DifferenceKind(difference.kind)](difference)


def _missing_here(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has a %(thing)s of %(amount)s (%(reference)s) that our books do not have. Look it up at the "
        "provider: a payment of another shop, one made by hand, or news that never came."
    ) % _fields(difference)


def _missing_there(difference: SettlementDifference) -> str:
    return gettext(
        "Our books have a %(thing)s of %(our_amount)s (%(our_reference)s) for %(purpose)s, and no file has it. Near "
        "the end of a file's time the next file may have it; else ask the provider."
    ) % _fields(difference)


def _amount_differs(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has %(amount)s for the %(thing)s %(reference)s, our books have %(our_amount)s for %(purpose)s."
    ) % _fields(difference)


def _currency_differs(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has %(amount)s for the %(thing)s %(reference)s, our books have another currency, "
        "%(our_amount)s for %(purpose)s."
    ) % _fields(difference)


def _twice_in_file(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has the %(thing)s %(reference)s of %(amount)s once more. Ask the provider whether the money "
        "moved twice."
    ) % _fields(difference)


def _refund_by_hand(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has a refund of %(amount)s (%(reference)s) of the payment for %(purpose)s that nobody made "
        "here: somebody made it at the provider, and our books still have the money."
    ) % _fields(difference)


def _dispute_unknown(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has a %(thing)s of %(amount)s (%(reference)s) of the payment %(capture)s that our books do "
        "not have. Look at it at the provider before its time to answer is over."
    ) % _fields(difference)


def _another_day(difference: SettlementDifference) -> str:
    return gettext(
        "Line %(number)s has the %(thing)s %(reference)s of %(amount)s on another day than our books."
    ) % _fields(difference)


def _fee_total(difference: SettlementDifference) -> str:
    return gettext("The provider kept %(amount)s on this day, which our books do not hold.") % _fields(difference)


_EXPLANATIONS: Mapping[DifferenceKind, Callable[[SettlementDifference], str]] = {
    DifferenceKind.MISSING_HERE: _missing_here,
    DifferenceKind.MISSING_THERE: _missing_there,
    DifferenceKind.AMOUNT_DIFFERS: _amount_differs,
    DifferenceKind.CURRENCY_DIFFERS: _currency_differs,
    DifferenceKind.TWICE_IN_FILE: _twice_in_file,
    DifferenceKind.REFUND_BY_HAND: _refund_by_hand,
    DifferenceKind.DISPUTE_UNKNOWN: _dispute_unknown,
    DifferenceKind.ANOTHER_DAY: _another_day,
    DifferenceKind.FEE_TOTAL: _fee_total,
}


def _fields(difference: SettlementDifference) -> dict[str, object]:
    return {
        "number": difference.number,
        "thing": thing(difference.line_kind),
        "amount": _money(difference.amount),
        "our_amount": _money(difference.our_amount),
        "reference": difference.identity,
        "our_reference": difference.our_reference,
        "capture": difference.capture_reference,
        "purpose": difference.purpose,
    }


def _money(amount: Money | None) -> str:
    return "" if amount is None else money(amount)
