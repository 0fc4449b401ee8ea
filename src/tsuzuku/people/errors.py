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


class PhoneMalformed(DomainError):
    """This is no mobile number."""

    code = "phone-malformed"


class PhoneCountryNotOffered(DomainError):
    """Codes are not sent to numbers of this country."""

    code = "phone-country-not-offered"


class TooManyCodes(DomainError):
    """So many codes were sent that there has to be a pause; particulars: retry_after_seconds."""

    code = "too-many-codes"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class WayInTaken(DomainError):
    """Another account has this address or number."""

    code = "way-in-taken"


class StaffKeepAccounts(DomainError):
    """A member of staff cannot delete their account: what they did keeps its name."""

    code = "staff-keep-accounts"
