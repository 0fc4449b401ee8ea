# SPDX-License-Identifier: Apache-2.0
"""Texts that a spreadsheet would run instead of show (CWE-1236). To Tsuzuku they are only texts, never evaluated."""

import unicodedata

#: OWASP, "CSV Injection": what a cell begins with when Excel, LibreOffice or Google Sheets takes it for a formula.
_LEADS = ("=", "+", "-", "@", "\t", "\r")


def begins_like_formula(text: str) -> bool:
    """Whether a cell with this text would be run as a formula. Full-width signs count too."""
    return unicodedata.normalize("NFKC", text[:1]).startswith(_LEADS)
