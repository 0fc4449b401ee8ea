# SPDX-License-Identifier: Apache-2.0
"""What a person may be told by a code stands in docs/operating with what to do about it."""

import re
from pathlib import Path

OPERATING = Path(__file__).resolve().parents[2] / "docs/operating"
SOURCES = Path(__file__).resolve().parents[2] / "src/tsuzuku"


def _codes(page: str) -> set[str]:
    """The codes that lead the rows of a page's tables."""
    return set(re.findall(r"^\| `([a-z0-9-]+)` \|", (OPERATING / page).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_code_of_an_import_says_what_to_do() -> None:
    from tsuzuku.cards.stock_file import Problem
    from tsuzuku.catalog.plan_file import MISTAKES, NOTICES

    codes = {problem.value for problem in Problem} | set(MISTAKES) | set(NOTICES)
    assert codes - _codes("cards-and-plans.md") == set()


def test_every_code_of_a_promotion_file_says_what_to_do() -> None:
    from tsuzuku.catalog.promotion_file import MISTAKES, NOTICES

    assert (set(MISTAKES) | set(NOTICES)) - _codes("promotions.md") == set()


def test_every_code_of_a_file_of_rates_says_what_to_do() -> None:
    from tsuzuku.catalog.rate_file import MISTAKES

    assert set(MISTAKES) - _codes("rates.md") == set()


def test_every_finding_of_the_audit_is_explained() -> None:
    audits = [path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*/audit.py"))]
    findings = {code for audit in audits for code in re.findall(r'Finding\(\s*"([a-z-]+)"', audit)}
    assert findings == _codes("faults-and-audit.md")
