# SPDX-License-Identifier: Apache-2.0
"""The states of payments and refunds and the moves between them. Their history is what providers told."""

from typing import Final

from tsuzuku.kernel.states import States

CREATED: Final = "created"
STARTED: Final = "started"
CAPTURED: Final = "captured"
FAILED: Final = "failed"

#: One try to take an amount: our intent, then the provider's page, then its word.
PAYMENT_STATES = States(
    subject="payment",
    initial=CREATED,
    moves={
        CREATED: frozenset({STARTED, FAILED}),
        STARTED: frozenset({CAPTURED, FAILED}),
        # A provider may take money after it has said that it could not.
        FAILED: frozenset({CAPTURED}),
        CAPTURED: frozenset(),
    },
)

#: States in which a payer may still be about to pay.
OPEN_PAYMENT_STATES: Final = frozenset({CREATED, STARTED})

#: States that may have been left behind without our having heard of it.
ASKED_PAYMENT_STATES: Final = frozenset({STARTED, FAILED})

REQUESTED: Final = "requested"
SENT: Final = "sent"
DONE: Final = "done"
#: Another refund was asked for in its place.
REPLACED: Final = "replaced"
#: The money was given back another way; the note says how.
CLOSED: Final = "closed"
#: It was never sent: the payer's bank has taken the money back by a dispute.
VOID: Final = "void"

REFUND_STATES = States(
    subject="refund",
    initial=REQUESTED,
    moves={
        REQUESTED: frozenset({SENT, DONE, FAILED, VOID}),
        SENT: frozenset({DONE, FAILED}),
        # The payer's bank may send it back weeks later.
        DONE: frozenset({FAILED}),
        # A person asks once more, or gives the money back another way.
        FAILED: frozenset({REPLACED, CLOSED, VOID}),
        REPLACED: frozenset(),
        CLOSED: frozenset(),
        # The dispute was won on appeal after all.
        VOID: frozenset({REPLACED}),
    },
)

SET_ASIDE: Final = "set_aside"
SPENT: Final = "spent"
RETURNED: Final = "returned"
GIVEN_BACK: Final = "given_back"

#: What a balance pays: set aside while the rest is on its way, spent with the order, back if nothing comes of it.
CHARGE_STATES = States(
    subject="charge",
    initial=SET_ASIDE,
    moves={
        SET_ASIDE: frozenset({SPENT, RETURNED}),
        # What it paid for was withdrawn.
        SPENT: frozenset({GIVEN_BACK}),
        RETURNED: frozenset(),
        GIVEN_BACK: frozenset(),
    },
)

#: States in which the money of a charge is not in its balance.
HELD_CHARGE_STATES: Final = frozenset({SET_ASIDE, SPENT})
#: States of charges that have paid, even if the money went back later.
PAID_CHARGE_STATES: Final = frozenset({SPENT, GIVEN_BACK})
#: States of refunds by which nothing has gone back nor will.
NOTHING_RETURNED_STATES: Final = frozenset({FAILED, REPLACED, VOID})

WAITING: Final = "waiting"
APPROVED: Final = "approved"
DECLINED: Final = "declined"

#: What somebody proposes to give back, until it is decided.
PROPOSAL_STATES = States(
    subject="proposal",
    initial=WAITING,
    moves={WAITING: frozenset({APPROVED, DECLINED}), APPROVED: frozenset(), DECLINED: frozenset()},
)

OPENED: Final = "open"
WON: Final = "won"
LOST: Final = "lost"

#: A payer's bank has taken a capture back, until it is known who keeps the money.
DISPUTE_STATES = States(
    subject="dispute",
    initial=OPENED,
    moves={
        OPENED: frozenset({WON, LOST}),
        WON: frozenset(),
        # On appeal.
        LOST: frozenset({WON}),
    },
)
