# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.kernel.texts import begins_like_formula, is_one_line


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "\uff1d1", "\uff0b1"]
)
def test_what_a_spreadsheet_would_run(text: str) -> None:
    assert begins_like_formula(text)


@pytest.mark.parametrize("text", ["", "1 = 1", "妈妈", "'=1", "a@b", "LPA:1$a$b"])
def test_what_it_shows(text: str) -> None:
    assert not begins_like_formula(text)


@pytest.mark.parametrize("text", ["", "妈妈 的 卡", "姓\u3000名", "👩‍👩‍👧", "한국어", "naïve"])
def test_one_line(text: str) -> None:
    assert is_one_line(text)


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "\x00", "\x7f", "a\u2028b", "\u202efdp.exe", "\ud800", "\ue000"])
def test_what_cannot_be_shown_on_a_line(text: str) -> None:
    assert not is_one_line(text)
