# SPDX-License-Identifier: Apache-2.0
"""What one-line texts from outside may hold, and which of them a spreadsheet would run (CWE-1236)."""

import unicodedata

#: OWASP, "CSV Injection": what a cell begins with when Excel, LibreOffice or Google Sheets takes it for a formula.
_FORMULA_LEADS = ("=", "+", "-", "@", "\t", "\r")
#: Controls, halves of characters, and what ends a line. Not format characters: families of emoji are joined by one.
_CATEGORIES_REFUSED = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Characters that turn the order of the text around them, with which a text can look like another.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_one_line(text: str) -> bool:
    """Whether a text is one line that can be shown as it is."""
    return not any(letter in _TURNING or unicodedata.category(letter) in _CATEGORIES_REFUSED for letter in text)


def begins_like_formula(text: str) -> bool:
    """Whether a cell with this text would be run as a formula. Full-width signs count too."""
    return unicodedata.normalize("NFKC", text[:1]).startswith(_FORMULA_LEADS)
