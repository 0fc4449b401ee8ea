# SPDX-License-Identifier: Apache-2.0
"""A renewal as partners get it: in answers of the API and in webhooks (docs/contracts/partner-api.md)."""

from datetime import UTC, datetime

from tsuzuku.kernel.money import Money
from tsuzuku.orders.links import link_of
from tsuzuku.renewals import states

#: What partners call the states of a renewal; settled and waiting for its carrier is on its way for them.
SHOWN_STATES = {
    states.ORDERED: "activating",
    states.ACTIVATING: "activating",
    states.ACTIVE: "active",
    states.REFUSED: "refused",
    states.WITHDRAWN: "withdrawn",
}


def renewal_fields(
    *,
    number: str,
    state: str,
    iccid: str,
    plan: str,
    price: Money,
    remaining_bytes: int | None,
    online_until: datetime | None,
) -> dict[str, object]:
    """The fields of one renewal, in the contract's order; `state` is ours, `plan` the plan's code."""
    return {
        "number": number,
        "state": SHOWN_STATES[state],
        "iccid": iccid,
        "plan": plan,
        "price": money_fields(price),
        "remaining_bytes": remaining_bytes,
        "online_until": None if online_until is None else moment_text(online_until),
        # With its key: a partner's customer has neither an account here nor the PIN in this browser.
        "receipt_url": link_of(number),
    }


def money_fields(amount: Money) -> dict[str, object]:
    """An amount of money as partners get it."""
    return {"amount_minor": amount.amount_minor, "currency": amount.currency}


def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC, such as 2026-04-15T00:00:00Z."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
