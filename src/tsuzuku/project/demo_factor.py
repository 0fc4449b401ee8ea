# SPDX-License-Identifier: Apache-2.0
"""The second factor of the demo's staff, and what stands in for a phone with an app for codes."""

import base64

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tsuzuku.kernel import clock

#: Gives the codes. Printed like the password; only a database that the demo has filled knows it.
FACTOR_KEY = "TSUZUKUDEMOTSUZUKUDEMOTSUZUKUDEM"


def factor_code() -> str:
    """The code for this half minute, as apps show it (RFC 6238)."""
    totp = TOTP(base64.b32decode(FACTOR_KEY), 6, SHA1(), 30)  # noqa: S303  # the hash that those apps know
    return totp.generate(int(clock.now().timestamp())).decode()
