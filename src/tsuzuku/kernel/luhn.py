# SPDX-License-Identifier: Apache-2.0
"""The Luhn check digit (ISO/IEC 7812-1, annex B), used by ICCIDs."""

#: Twice a digit, and of that the sum of its digits.
_DOUBLED = str.maketrans("0123456789", "0246813579")


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` followed by it pass the Luhn check."""
    total = sum(map(int, digits[-2::-2])) + sum(map(int, digits[::-2].translate(_DOUBLED)))
    return str(-total % 10)
