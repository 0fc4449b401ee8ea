# SPDX-License-Identifier: Apache-2.0
"""What an SMS centre must be told of us."""

from dataclasses import dataclass

#: SMPP 3.4, 4.1.1 and 5.2.8, without the zero at the end.
_SYSTEM_ID_MAX, _PASSWORD_MAX, _SYSTEM_TYPE_MAX, _SENDER_MAX = 15, 8, 12, 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SmppAccount:
    """An account, as it is bound. Raises ValueError for what has no place in a bind."""

    host: str
    port: int
    #: The centre's certificate must be vouched for.
    tls: bool
    system_id: str
    password: str
    system_type: str
    #: A number with its plus sign, a short number, or a name of up to 11 letters.
    sender: str
    #: The centre's error codes, in receipts of what could not be delivered, that mean the number itself.
    dead_errors: frozenset[str]

    def __post_init__(self) -> None:
        lengths = {
            "TSUZUKU_SMPP_SYSTEM_ID": (self.system_id, _SYSTEM_ID_MAX),
            "TSUZUKU_SMPP_PASSWORD": (self.password, _PASSWORD_MAX),
            "TSUZUKU_SMPP_SYSTEM_TYPE": (self.system_type, _SYSTEM_TYPE_MAX),
            "TSUZUKU_SMS_SENDER": (self.sender, _SENDER_MAX),
        }
        for name, (text, length) in lengths.items():
            if len(text) > length or not text.isascii():
                raise ValueError(f"{name} has at most {length} characters of ASCII")
