# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

from tsuzuku.kernel.errors import DomainError


class AddressMalformed(DomainError):
    """This is no e-mail address; particulars: email."""

    code = "address-malformed"


class StaffExists(DomainError):
    """Somebody with this address is a member of staff already; particulars: email."""

    code = "staff-exists"


class StaffUnknown(DomainError):
    """No member of staff has this address; particulars: email."""

    code = "staff-unknown"


class RoleUnknown(DomainError):
    """There is no role of that name; particulars: role, roles."""

    code = "role-unknown"


class TooManyPasskeys(DomainError):
    """This account has as many passkeys as one may have; particulars: passkeys_max."""

    code = "too-many-passkeys"
