# SPDX-License-Identifier: Apache-2.0
"""The Luhn check digit (ISO/IEC 7812-1, annex B), used by ICCIDs."""


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` followed by it pass the Luhn check."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit)
        if position % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return str(-total % 10)
