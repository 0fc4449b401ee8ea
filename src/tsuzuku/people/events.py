# SPDX-License-Identifier: Apache-2.0
"""Facts of this room. Those about staff begin with `staff-` and name what they are about as their subject."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class StaffEvent(Event):
    """Something that a member of staff did, or that was done to one; the console's trail shows them all."""

    #: What it is about, as in staff:3 or order:4KX9P-7TRWC.
    subject: str


@dataclass(frozen=True, kw_only=True)
class StaffAdded(StaffEvent):
    """Somebody became a member of staff."""

    kind: ClassVar[str] = "staff-added"
    role: str


@dataclass(frozen=True, kw_only=True)
class StaffRoleChanged(StaffEvent):
    """A member of staff has another role from now on."""

    kind: ClassVar[str] = "staff-role-changed"
    role: str


@dataclass(frozen=True, kw_only=True)
class StaffRemoved(StaffEvent):
    """Somebody is no longer a member of staff."""

    kind: ClassVar[str] = "staff-removed"


@dataclass(frozen=True, kw_only=True)
class StaffLoggedIn(StaffEvent):
    """A member of staff logged in."""

    kind: ClassVar[str] = "staff-logged-in"
    #: Where from: an IP address.
    address: str


@dataclass(frozen=True, kw_only=True)
class SecondFactorSetUp(StaffEvent):
    """A member of staff has set up a second factor."""

    kind: ClassVar[str] = "staff-second-factor-set-up"


@dataclass(frozen=True, kw_only=True)
class SecondFactorReset(StaffEvent):
    """The second factor of a member of staff was forgotten; they set up another."""

    kind: ClassVar[str] = "staff-second-factor-reset"


@dataclass(frozen=True, kw_only=True)
class AccountClosed(Event):
    """A customer had their account deleted."""

    kind: ClassVar[str] = "account-closed"
    user_id: int
