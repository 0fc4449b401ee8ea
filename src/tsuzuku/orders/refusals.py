# SPDX-License-Identifier: Apache-2.0
"""What is refused to staff who see to money, in words: what is the case, and what to do next.

Every door at which staff work says the same; travellers meet none of these.
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.orders.errors import ShortfallTooLarge
from tsuzuku.payments.errors import RefundTooLarge

_TEXTS: Final[Mapping[str, Promise]] = {
    "capture-unknown": _("There is no payment of that number."),
    "reason-missing": _("Please say why."),
    "refund-too-early": _("What was paid for is still on its way. If it does not come, the money goes back by itself."),
    "capture-in-balance": _(
        "This money topped up a balance. It can be spent there until it ends, and cannot be paid out."
    ),
    "capture-held": _("This money does not fit its order. Please accept the order or give all of it back."),
    "capture-disputed": _(
        "The payer’s bank holds this money until the dispute has ended. Nothing can be given back before."
    ),
    "proposal-unknown": _("There is no proposal of that number."),
    "proposal-reused": _("This form has been sent before with something else in it. Please begin again."),
    "proposal-decided": _("Somebody else has decided this already, otherwise."),
    "second-person-needed": _("You proposed this yourself. Above the limit another person approves it."),
    "refund-unknown": _("There is no refund of that number."),
    "refund-not-failed": _("Only a refund that has failed can be asked for again or closed."),
    "dispute-unknown": _("There is no dispute of that reference."),
    "order-unknown": _("There is no order of that number."),
    "order-not-held": _("This order is not held, or somebody has resolved it already."),
    "order-takes-no-other": _(
        "None of what came can pay this order: it is in another currency, or the bank has taken it. "
        "Please give it back."
    ),
}
_WITH_PARTICULARS: Final[Mapping[type[DomainError], Callable[[DomainError], str]]] = {
    RefundTooLarge: lambda refusal: (
        gettext("That is more than can be given back. What is left: %(amount)s.")
        % {"amount": formats.money(_amount(refusal, "left_minor"))}
    ),
    ShortfallTooLarge: lambda refusal: (
        gettext("%(amount)s of the price are missing, which is more than you may let the payer off.")
        % {"amount": formats.money(_amount(refusal, "missing_minor"))}
    ),
}


def staff_refusal(refusal: DomainError) -> str:
    """What to tell somebody of the staff about a refusal, in the language that is active."""
    if told := _WITH_PARTICULARS.get(type(refusal)):
        return told(refusal)
    text = _TEXTS.get(refusal.code)
    return str(refusal) if text is None else str(text)


def _amount(refusal: DomainError, name: str) -> Money:
    particulars = refusal.particulars
    return Money(int(str(particulars[name])), str(particulars["currency"]))
