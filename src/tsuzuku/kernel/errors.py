# SPDX-License-Identifier: Apache-2.0
"""The one base of everything the domain refuses."""

from typing import ClassVar


class DomainError(Exception):
    """Something the domain refuses, with a stable code that doors translate for people and partners.

    Subclasses set `code`. Keyword arguments are the particulars a message may name, never secrets.
    """

    code: ClassVar[str]

    def __init__(self, **particulars: object) -> None:
        super().__init__(self.code, particulars)
        self.particulars = particulars

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in self.particulars.items())
        return f"{self.code} ({named})" if named else self.code
