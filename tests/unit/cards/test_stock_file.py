# SPDX-License-Identifier: Apache-2.0
from collections import Counter
from datetime import date
from importlib.resources import files
from io import BytesIO

import pytest

from tsuzuku.cards.errors import StockFileRefused
from tsuzuku.cards.models import CardKind
from tsuzuku.cards.stock_file import WHAT_TO_DO, Problem, StockCard, StockLine, read_stock
from tsuzuku.kernel.iccid import Iccid

ICCID = Iccid("8981200961153878263")
OTHER = "8981200712316857581"
HEADINGS = "ICCID,IMSI,phone,kind,activation code,PIN,expiry,group"


def _read(*lines: str, headings: str = HEADINGS, codec: str = "utf-8") -> list[StockLine]:
    _format, read = read_stock(BytesIO("\r\n".join([headings, *lines]).encode(codec)))
    return list(read)


def _one(line: str) -> StockCard | Problem | None:
    (read,) = _read(line)
    assert read.number == 2
    return read.card or read.problem


def test_the_carriers_file_has_exactly_the_damage_it_is_known_for() -> None:
    stock = (files("tsuzuku.testing") / "data" / "card-stock-carrier.csv").read_bytes()
    stock_format, lines = read_stock(BytesIO(stock))
    read = list(lines)
    assert (stock_format.encoding.name, stock_format.delimiter, stock_format.heading_line) == ("Shift_JIS", ",", 1)
    assert stock_format.ignored == ()
    assert len(read) == 481
    assert [line for line in read if line.card is None] == [
        StockLine(42, problem=Problem.ICCID_CHECK_DIGIT),
        StockLine(53, problem=Problem.ICCID_DUPLICATE),
        StockLine(72, problem=Problem.ICCID_MALFORMED),
        StockLine(102),
    ]
    cards = {line.number: line.card for line in read if line.card}
    damaged = {number: cards[number].iccid for number in (12, 22, 32, 62)}
    assert damaged == {
        12: "8981300226443630661",
        22: "8981200548985279859",
        32: "8981200320637274641",
        62: "8981300903098075349",
    }
    assert (cards[82].msisdn, cards[92].msisdn) == ("+817012345678", None)
    era = [number for number, card in cards.items() if card.last_use_date == date(2027, 12, 31)]
    assert era == [106, 120, 127, 141, 155, 190, 239, 281, 302, 309, 435, 463, 477]
    assert Counter(card.kind for card in cards.values()).total() == 477
    assert {len(card.iccid) for card in cards.values()} == {19}


def test_a_line_with_everything() -> None:
    line = f"{ICCID},440209851192604,+817028578414,eSIM,LPA:1$rsp.example.jp$YP7P,0037,2027/09/30,Autumn 2026"
    assert _one(line) == StockCard(
        iccid=ICCID,
        imsi="440209851192604",
        msisdn="+817028578414",
        kind=CardKind.ESIM,
        activation_code="LPA:1$rsp.example.jp$YP7P",
        pin="0037",
        last_use_date=date(2027, 9, 30),
        group="Autumn 2026",
    )


def test_a_line_with_the_least() -> None:
    assert _one(f"{ICCID},,,SIM,,,,") == StockCard(iccid=ICCID, kind=CardKind.SIM)


def test_words_for_nothing_are_nothing() -> None:
    assert _one(f"{ICCID},-,なし,SIM,N/A,-,無し,-") == StockCard(iccid=ICCID, kind=CardKind.SIM)


def test_a_card_does_not_show_its_secrets() -> None:
    card = _one(f"{ICCID},,,eSIM,LPA:1$rsp.example.jp$YP7P,9173,,")
    assert repr(card) == (
        f"StockCard(iccid='{ICCID}', kind=CardKind.ESIM, imsi=None, msisdn=None, last_use_date=None, group=None)"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("8.98111E+18,,,SIM,,,,", Problem.ICCID_MALFORMED),
        (",440209851192604,,SIM,,,,", Problem.ICCID_MALFORMED),
        (f"=1+{ICCID},,,SIM,,,,", Problem.ICCID_MALFORMED),
        ("8981100237411045546,,,SIM,,,,", Problem.ICCID_CHECK_DIGIT),
        (f"{ICCID},44020985119260,,SIM,,,,", None),
        (f"{ICCID},4402098511926,,SIM,,,,", Problem.IMSI_MALFORMED),
        (f"{ICCID},4.4021E+14,,SIM,,,,", Problem.IMSI_MALFORMED),
        (f"{ICCID},,8.17012E+11,SIM,,,,", Problem.PHONE_MALFORMED),
        (f"{ICCID},,=cmd 07012345678,SIM,,,,", Problem.PHONE_MALFORMED),
        (f"{ICCID},,110,SIM,,,,", Problem.PHONE_MALFORMED),
        (f"{ICCID},,,fax,,,,", Problem.KIND_UNKNOWN),
        (f"{ICCID},,,,,,,", Problem.KIND_UNKNOWN),
        (f"{ICCID},,,eSIM,=HYPERLINK(1),,,", Problem.FORMULA_IN_TEXT),
        (f"{ICCID},,,eSIM,@SUM(A1),,,", Problem.FORMULA_IN_TEXT),
        (f"{ICCID},,,eSIM,https://example.jp/q,,,", Problem.ACTIVATION_CODE_MALFORMED),
        (f"{ICCID},,,eSIM,LPA:1$rsp.example.jp$A{'B' * 300},,,", Problem.ACTIVATION_CODE_MALFORMED),
        (f"{ICCID},,,SIM,,522,,", Problem.PIN_MALFORMED),
        (f"{ICCID},,,SIM,,123456789,,", Problem.PIN_MALFORMED),
        (f"{ICCID},,,SIM,,12a4,,", Problem.PIN_MALFORMED),
        (f"{ICCID},,,SIM,,=1234,,", Problem.PIN_MALFORMED),
        (f"{ICCID},,,SIM,,,30/09/2027,", Problem.DATE_MALFORMED),
        (f"{ICCID},,,SIM,,,=TODAY(),", Problem.DATE_MALFORMED),
        (f"{ICCID},,,SIM,,,,=cmd|' /C calc'!A0", Problem.FORMULA_IN_TEXT),
        (f"{ICCID},,,SIM,,,,'=1", Problem.FORMULA_IN_TEXT),
        (f"{ICCID},,,SIM,,,,{'x' * 65}", Problem.GROUP_MALFORMED),
        (f"{ICCID},,,SIM,,,,a\x00b", Problem.GROUP_MALFORMED),
        (f"{ICCID},,,SIM,,,", Problem.COLUMNS_MALFORMED),
        (f"{ICCID},,,SIM,,,,,", Problem.COLUMNS_MALFORMED),
        (f'{ICCID},"440209851192604,,SIM,,,,', Problem.COLUMNS_MALFORMED),
        (f"{ICCID},,,SIM,,,,{'x' * 20_000}", Problem.LINE_TOO_LONG),
        (",,,,,,,", None),
        ("", None),
        ("\u3000, ,,", None),
    ],
)
def test_each_problem_has_its_code(line: str, problem: Problem | None) -> None:
    # A blank line at the end is none without a line after it.
    first, after = _read(line, f"{OTHER},,,SIM,,,,")
    assert (first.number, first.problem) == (2, problem)
    assert after == StockLine(3, card=StockCard(iccid=Iccid(OTHER), kind=CardKind.SIM))


def test_every_problem_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(Problem)


@pytest.mark.parametrize(
    ("cell", "msisdn"),
    [
        ("+817012345678", "+817012345678"),
        ("070-1234-5678", "+817012345678"),
        ("07012345678", "+817012345678"),
        ("7012345678", "+817012345678"),
        ("'07012345678", "+817012345678"),
        ("\uff10\uff17\uff10\uff0d\uff11\uff12\uff13\uff14\uff0d\uff15\uff16\uff17\uff18", "+817012345678"),
        ("(070) 1234 5678", "+817012345678"),
        ("+86 138 0013 8000", "+8613800138000"),
        ('="07012345678"', "+817012345678"),
    ],
)
def test_phone_numbers_become_e164(cell: str, msisdn: str) -> None:
    assert _one(f"{ICCID},,{cell},SIM,,,,") == StockCard(iccid=ICCID, kind=CardKind.SIM, msisdn=msisdn)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("SIM", CardKind.SIM), ("sim", CardKind.SIM), ("SIMカード", CardKind.SIM), ("nano SIM", CardKind.SIM),
        ("物理SIM", CardKind.SIM), ("实体卡", CardKind.SIM), ("實體卡", CardKind.SIM),
        ("eSIM", CardKind.ESIM), ("e-SIM", CardKind.ESIM), ("ESIM", CardKind.ESIM),
        ("\uff45\uff33\uff29\uff2d", CardKind.ESIM), ("eUICC", CardKind.ESIM),
    ],
)  # fmt: skip
def test_kinds_in_many_spellings(cell: str, kind: CardKind) -> None:
    assert _one(f"{ICCID},,,{cell},,,,") == StockCard(iccid=ICCID, kind=kind)


@pytest.mark.parametrize(
    "cell", [f'"=""{ICCID}"""', f'="{ICCID}"', f"'{ICCID}", f"{ICCID}F", f"{ICCID}\uff26", ICCID[:18]]
)
def test_numbers_as_spreadsheets_and_carriers_leave_them(cell: str) -> None:
    assert _one(f"{cell},,,SIM,,,,") == StockCard(iccid=ICCID, kind=CardKind.SIM)


def test_the_second_line_of_a_card_is_refused_unless_the_first_was() -> None:
    good, bad = f"{ICCID},,,SIM,,1234,,", f"{ICCID},,,SIM,,12,,"
    assert [line.problem for line in _read(bad, good, good, bad)] == [
        Problem.PIN_MALFORMED,
        None,
        Problem.ICCID_DUPLICATE,
        Problem.PIN_MALFORMED,
    ]


def test_the_card_of_all_zeros_is_a_card_too() -> None:
    assert [line.problem for line in _read(f"{'0' * 19},,,SIM,,,,", f"{'0' * 19},,,SIM,,,,")] == [
        None,
        Problem.ICCID_DUPLICATE,
    ]


def test_lines_are_counted_as_in_the_file() -> None:
    read = _read(
        f'{ICCID},,,SIM,,,,"a note"',
        "",
        f'{OTHER},,,SIM,,,,"two\nlines"',
        ",,,,,,,",
        "x,,,SIM,,,,",
        headings=f"Stock of April\r\n\r\n{HEADINGS}",
    )
    assert [(line.number, line.problem) for line in read] == [
        (4, None),
        (5, None),
        (6, Problem.GROUP_MALFORMED),
        (8, None),
        (9, Problem.ICCID_MALFORMED),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932"])
@pytest.mark.parametrize("headings", ["SIM番号,種別,暗証番号,備考", "Card Number,Type,PIN,Note"])
def test_every_delimiter_and_encoding(delimiter: str, codec: str, headings: str) -> None:
    text = f"{headings}\r\n{ICCID},SIM,0042,令和\r\n".replace(",", delimiter)
    stock_format, lines = read_stock(BytesIO(text.encode(codec)))
    assert stock_format.delimiter == delimiter
    assert stock_format.ignored == (headings.rpartition(",")[2],)
    assert list(lines) == [StockLine(2, card=StockCard(iccid=ICCID, kind=CardKind.SIM, pin="0042"))]


@pytest.mark.parametrize(("headings", "codec"), [("卡号,类型,密码", "utf-8"), ("卡號,類型,密碼", "utf-16")])
def test_chinese_headings(headings: str, codec: str) -> None:
    assert _read(f"{ICCID},实体卡,0042", headings=headings, codec=codec) == [
        StockLine(2, card=StockCard(iccid=ICCID, kind=CardKind.SIM, pin="0042"))
    ]


def test_one_broken_byte_refuses_one_line() -> None:
    text = f"ICCID,種別,暗証番号,グループ\r\n{ICCID},SIM,1234,春\r\n{OTHER},SIM,1234,秋\r\n"
    for codec, broken in (("utf-8", b"\xe6"), ("cp932", b"\x81 ")):
        file = BytesIO(text.encode(codec).replace("春".encode(codec), broken))
        stock_format, lines = read_stock(file)
        assert (stock_format.encoding.codec, [line.problem for line in lines]) == (
            codec,
            [Problem.TEXT_MALFORMED, None],
        )


@pytest.mark.parametrize(
    ("headings", "reason"),
    [
        (
            "IMSI,種別,暗証番号",
            (
                "There are no headings in the first 20 lines (read as UTF-8). "
                "One must say ICCID / ICCID番号 / SIM番号 / SIMカード番号."
            ),
        ),
        (
            "ICCID,種別",
            "Headings are missing on line 1 (read as UTF-8): 暗証番号 / PIN / PIN番号 / PINコード.",
        ),
        (
            "\r\nICCID,PINS",
            (
                "Headings are missing on line 2 (read as UTF-8): 種別 / 種類 / SIM種別 / SIM種類; "
                "暗証番号 / PIN / PIN番号 / PINコード."
            ),
        ),
        ("ICCID,種別,PIN,暗証番号", "Headings stand twice on line 1: 暗証番号 / PIN / PIN番号 / PINコード."),
    ],
)
def test_a_file_without_its_headings_is_refused_whole(headings: str, reason: str) -> None:
    with pytest.raises(StockFileRefused) as refused:
        _read(f"{ICCID},SIM,1234", headings=headings)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "content", [b"", b"\n\n\n", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, b"PK\x03\x04" + bytes(5000)]
)
def test_what_is_no_table_is_refused_whole(content: bytes) -> None:
    with pytest.raises(StockFileRefused):
        read_stock(BytesIO(content))
