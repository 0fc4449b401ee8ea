# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class AddressBounced(Event):
    """Messages do not arrive at an address; until its owner confirms or changes it, nothing is sent there."""

    kind: ClassVar[str] = "address-bounced"
    #: Of the row that has the address (`messaging.queries.bounced_address`).
    bounced_id: int
    address_kind: str
    #: Enough of it for its owner to know it by.
    masked: str
    #: The gateway's code.
    problem: str
    #: What the message belonged to.
    purpose: str
