# SPDX-License-Identifier: Apache-2.0
"""States, doors, roles and refusals in words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, pgettext_lazy

from tsuzuku.allowances.lots import LotState
from tsuzuku.catalog.promotions import Why
from tsuzuku.channels.console.sheets import tag
from tsuzuku.kernel.errors import DomainError
from tsuzuku.orders.refusals import staff_refusal

#: By subject and state: what it is called, and its tone.
_STATES: Mapping[str, Mapping[str, tuple[str | Promise, str]]] = {
    "order": {
        "awaiting_payment": (gettext_lazy("awaiting payment"), "soon"),
        "paid": (pgettext_lazy("order", "paid"), "good"),
        "expired": (pgettext_lazy("order", "expired"), ""),
        "cancelled": (pgettext_lazy("order", "cancelled"), ""),
        "held": (pgettext_lazy("order", "held"), "act"),
    },
    "renewal": {
        "ordered": (pgettext_lazy("renewal", "ordered"), "soon"),
        "activating": (pgettext_lazy("renewal", "activating"), "soon"),
        "active": (pgettext_lazy("renewal", "active"), "good"),
        "refused": (pgettext_lazy("renewal", "refused"), "act"),
        "withdrawn": (pgettext_lazy("renewal", "withdrawn"), ""),
    },
    "payment": {
        "created": (pgettext_lazy("payment", "created"), "soon"),
        "started": (pgettext_lazy("payment", "started"), "soon"),
        "captured": (pgettext_lazy("payment", "captured"), "good"),
        "failed": (pgettext_lazy("payment", "failed"), ""),
    },
    "capture": {
        "undecided": (pgettext_lazy("capture", "undecided"), "soon"),
        "accepted": (pgettext_lazy("capture", "accepted"), "good"),
        "surplus": (pgettext_lazy("capture", "surplus, goes back"), ""),
        "held": (pgettext_lazy("capture", "held"), "act"),
    },
    "refund": {
        "requested": (pgettext_lazy("refund", "requested"), "soon"),
        "sent": (pgettext_lazy("refund", "sent"), "soon"),
        "done": (pgettext_lazy("refund", "done"), "good"),
        "failed": (pgettext_lazy("refund", "failed"), "act"),
        "replaced": (pgettext_lazy("refund", "asked for once more"), ""),
        "closed": (pgettext_lazy("refund", "given back another way"), "good"),
        "void": (pgettext_lazy("refund", "void"), ""),
    },
    "proposal": {
        "waiting": (pgettext_lazy("proposal", "waits for a second person"), "act"),
        "approved": (pgettext_lazy("proposal", "approved"), "good"),
        "declined": (pgettext_lazy("proposal", "declined"), ""),
    },
    "parcel": {
        "waiting": (pgettext_lazy("parcel", "waits for the money"), ""),
        "to_pack": (pgettext_lazy("parcel", "to be packed"), "act"),
        "packed": (pgettext_lazy("parcel", "packed"), "act"),
        "shipped": (pgettext_lazy("parcel", "shipped"), "good"),
        "withdrawn": (pgettext_lazy("parcel", "not sent"), ""),
    },
    "dispute": {
        "open": (pgettext_lazy("dispute", "open"), "act"),
        "won": (pgettext_lazy("dispute", "won"), "good"),
        "lost": (pgettext_lazy("dispute", "lost"), ""),
    },
}

_LOTS: Mapping[LotState, tuple[str | Promise, str]] = {
    LotState.WAITING: (pgettext_lazy("lot", "waiting"), "soon"),
    LotState.RUNNING: (pgettext_lazy("lot", "running"), "good"),
    LotState.USED_UP: (pgettext_lazy("lot", "used up"), "act"),
    LotState.EXPIRED: (pgettext_lazy("lot", "expired"), ""),
    LotState.LAPSED: (pgettext_lazy("lot", "lapsed"), ""),
}

#: Why a promotion takes nothing off.
_WHY: Mapping[Why, str | Promise] = {
    Why.WITHDRAWN: gettext_lazy("it is withdrawn"),
    Why.NEEDS_COUPON: gettext_lazy("it asks for one of its coupons"),
    Why.OTHER_DOOR: gettext_lazy("it is for other doors"),
    Why.OTHER_PLAN: gettext_lazy("it is for other plans"),
    Why.OTHER_CURRENCY: gettext_lazy("it takes off another currency"),
    Why.NOT_YET: gettext_lazy("its time has not begun"),
    Why.OVER: gettext_lazy("its time is over"),
    Why.OUTSIDE_FESTIVAL: gettext_lazy("the day is outside its festival"),
    Why.BELOW_MINIMUM: gettext_lazy("the plan costs less than it asks for"),
    Why.USED_BY_CUSTOMER: gettext_lazy("this customer has used it as often as one may"),
    Why.USED_UP: gettext_lazy("its uses are taken, or its budget does not bear another"),
    Why.NOT_BETTER: gettext_lazy("others take off as much or more, and it does not go together with them"),
}

#: By the kind of an entry of the trail: what happened.
_TRAIL: Mapping[str, str | Promise] = {
    "staff-logged-in": gettext_lazy("logged in from %(address)s"),
    "staff-added": gettext_lazy("was added to the staff: %(role)s"),
    "staff-role-changed": gettext_lazy("has another role: %(role)s"),
    "staff-removed": gettext_lazy("was removed from the staff"),
    "staff-second-factor-set-up": gettext_lazy("set up a second factor"),
    "staff-second-factor-reset": gettext_lazy("second factor and password were reset"),
}

ROLE_NAMES: Mapping[str, str | Promise] = {
    "support": gettext_lazy("Support"),
    "finance": gettext_lazy("Finance"),
    "manager": gettext_lazy("Manager"),
}

#: Everything that staff may do, by name.
DEED_NAMES: Mapping[str, str | Promise] = {
    "resend-receipt": gettext_lazy("Send the receipt again"),
    "propose-refund": gettext_lazy("Give money back"),
    "accept-held": gettext_lazy("Take the money as it is"),
    "return-held": gettext_lazy("Give all of it back"),
    "approve-refund": gettext_lazy("Approve the refund"),
    "decline-refund": gettext_lazy("Decline the refund"),
    "settle-difference": gettext_lazy("Mark the difference as seen to"),
    "retry-refund": gettext_lazy("Ask for the refund once more"),
    "close-refund": gettext_lazy("Book it as given back another way"),
    "take-evidence": gettext_lazy("Take the evidence"),
    "pack": gettext_lazy("Mark as packed"),
    "ship": gettext_lazy("Mark as shipped"),
    "stop-parcel": gettext_lazy("Do not send it"),
    "clear-flags": gettext_lazy("Take the flags down"),
    "withdraw-promotion": gettext_lazy("Withdraw the promotion"),
    "offer-promotion": gettext_lazy("Offer the promotion again"),
}

_REFUSALS: Mapping[str, str | Promise] = {
    "too-many-receipt-mails": gettext_lazy("This receipt was sent several times within the hour. Wait a while."),
    "difference-resolved": gettext_lazy("Somebody has seen to this difference already."),
    "promotion-unknown": gettext_lazy("There is no such promotion any more."),
    "move-not-allowed": gettext_lazy("Somebody has moved this on meanwhile. Please look at it again."),
    "tracking-malformed": gettext_lazy("Please give the post service, and its number of 6 to 40 letters and digits."),
}


def state_names(subject: str) -> list[tuple[str, str | Promise]]:
    """The states of a subject with their names, for filters."""
    return [(state, name) for state, (name, _tone) in _STATES[subject].items()]


def state_tag(subject: str, state: str) -> SafeString:
    """A state by name, in its colour."""
    name, tone = _STATES[subject].get(state, (state, ""))
    return tag(name, tone)


def lot_tag(state: LotState) -> SafeString:
    """The state of a lot by name, in its colour."""
    name, tone = _LOTS[state]
    return tag(name, tone)


def why_words(why: Why) -> str:
    """Why a promotion takes nothing off."""
    return str(_WHY[why])


def trail_words(kind: str, body: Mapping[str, str]) -> str:
    """What an entry of the trail tells."""
    if kind == "staff-acted":
        return deed_name(body["deed"])
    role = role_name(body.get("role", ""))
    return str(_TRAIL.get(kind, kind)) % {"address": body.get("address", ""), "role": role}


def role_name(role: str) -> str:
    """A role by name."""
    return str(ROLE_NAMES.get(role, role))


def deed_name(name: str) -> str:
    """What was done, in words."""
    return str(DEED_NAMES.get(name, name))


def refusal_words(refusal: DomainError) -> str:
    """Why something was refused."""
    return str(_REFUSALS.get(refusal.code) or staff_refusal(refusal))
