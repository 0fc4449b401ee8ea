# SPDX-License-Identifier: Apache-2.0
"""What a port may answer besides a result: three outcomes that callers must tell apart, and one for asking too much."""


class PortError(Exception):
    """The base of the outcomes; `code` is stable and may be shown, `detail` is for operators."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Rejected(PortError):
    """A final no: nothing happened outside and asking again would give the same answer."""


class Unavailable(PortError):
    """Nothing happened outside; the same call may be tried again later."""


class OutcomeUnknown(PortError):
    """It may or may not have happened outside. Ask before repeating."""


class Unsupported(PortError):
    """The adapter's capabilities say that it cannot do this; the caller should have looked."""
