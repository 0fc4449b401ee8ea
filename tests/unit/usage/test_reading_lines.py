# SPDX-License-Identifier: Apache-2.0
"""Lines of readings: what each is, or why it is none."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.usage import reading_lines
from tsuzuku.usage.errors import UsageFileRefused
from tsuzuku.usage.reading_lines import (
    LINE_LENGTH_MAX,
    ParsedLines,
    Reading,
    Refusal,
    RefusedLine,
    parse_lines,
    read_file,
)

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
ICCID = "8981200961153878263"
USUAL: dict[str, Any] = {"record_id": "r1", "iccid": ICCID, "bytes": 5, "ended_at": "2026-11-20T00:30:00Z"}
READING = Reading(ICCID, "r1", LotKind.DATA, 5, datetime(2026, 11, 20, 0, 30, tzinfo=UTC))
MALFORMED, ABSURD_BYTES, ABSURD_TIME = Refusal


def line(**fields: object) -> str:
    return json.dumps({**USUAL, **fields})


def parse(text: str | bytes) -> list[Reading | Refusal]:
    """One line."""
    parsed = parse_lines(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, now=NOW)
    assert {number for number, _ in parsed.refused} <= {1}
    return [*parsed.readings, *(code for _, code in parsed.refused)]


def test_a_line_is_a_reading_however_it_is_written() -> None:
    backwards = json.dumps(dict(reversed(USUAL.items())))
    for text in (
        line(),
        json.dumps(USUAL, separators=(",", ":")),
        f"  {line()}\t",
        f"{line()}\r",
        f"\ufeff{line()}",
        backwards,
        line(more={"a": [1, 2.5, None]}, seconds=7),
        line(iccid=f"{ICCID}F"),
        line(iccid=ICCID[:-1]),
        line(iccid=" 8981 2009 6115 3878 263 "),
        line(iccid="".join(chr(ord(digit) + 0xFEE0) for digit in ICCID)),
        line(ended_at="2026-11-20T09:30:00+09:00"),
        line(ended_at="2026-11-20t00:30:00z"),
        line(ended_at="2026-11-20T00:30:00.000000Z"),
        line(ended_at="2026-11-20T00:30:00.0000000001Z"),
    ):
        assert parse(text) == [READING], text
    assert parse(line(bytes=0)) == [READING._replace(amount=0)]
    assert parse(line(bytes=10**13)) == [READING._replace(amount=10**13)]
    assert parse(line(record_id="é 记录\\\"'")) == [READING._replace(record_id="é 记录\\\"'")]
    assert parse(line(record_id="x" * 255)) == [READING._replace(record_id="x" * 255)]
    assert parse(line(ended_at="2026-11-20T02:00:00Z")) == [READING._replace(ended_at=NOW + timedelta(hours=1))]
    assert parse(line(ended_at="2015-01-01T00:00:00Z")) == [READING._replace(ended_at=datetime(2015, 1, 1, tzinfo=UTC))]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "nonsense",
        "null",
        "[]",
        "5",
        '""',
        "{}",
        line()[:-1],
        line() + "x",
        line() + line(),
        b"\xff" + line().encode(),
        "[" * 9000,
        '{"a":' * 1900,
        json.dumps({**USUAL, "more": "x" * LINE_LENGTH_MAX}),
        line().replace('"bytes": 5', '"bytes": 5, "bytes": 5'),
        line().replace('"bytes": 5', '"bytes": 05'),
        line().replace('"bytes": 5', '"bytes": NaN'),
        line().replace('"bytes": 5', '"bytes": Infinity'),
        line(more=float("nan")),
        line(bytes=None),
        line(bytes=True),
        line(bytes=5.0),
        line(bytes="5"),
        line(bytes=[5]),
        line(bytes=1e3),
        line(record_id=""),
        line(record_id=None),
        line(record_id=7),
        line(record_id="x" * 256),
        line(record_id="a\0b"),
        line(record_id="a\nb"),
        line(record_id="a\ud800b"),
        line(record_id="a\u202eb"),
        line(iccid=None),
        line(iccid=int(ICCID)),
        line(iccid=""),
        line(iccid=ICCID[:-1] + "4"),
        line(iccid=ICCID + "1"),
        line(iccid="8" * 1000),
        line(ended_at=None),
        line(ended_at=1_700_000_000),
        line(ended_at=""),
        line(ended_at="2026-11-20"),
        line(ended_at="2026-11-20T00:30:00"),
        line(ended_at="2026-11-31T00:30:00Z"),
        line(ended_at="2026-11-20T24:30:00Z"),
        line(ended_at="2026-11-20T00:30Z"),
        line(ended_at="20261120T003000Z"),
        line(ended_at="2026-W47-5T00:30:00Z"),
        line(ended_at="2026-11-20T00:30:00+25:00"),
        line(ended_at="0000-01-01T00:00:00Z"),
        line(ended_at="２０２６-11-20T00:30:00Z"),
        *(json.dumps({name: value for name, value in USUAL.items() if name != left_out}) for left_out in USUAL),
        # Malformed is told before absurd.
        line(bytes=-1, iccid="x"),
        line(ended_at="2026-11-20", bytes=-1),
    ],
)
def test_what_is_no_reading_is_malformed(text: str | bytes) -> None:
    assert parse(text) == [MALFORMED]


@pytest.mark.parametrize("amount", [-1, 10**13 + 1, 10**18, 10**30, -(10**30)])
def test_amounts_that_cannot_be(amount: int) -> None:
    assert parse(line(bytes=amount)) == [ABSURD_BYTES]
    assert parse(line(bytes=amount, ended_at="2014-01-01T00:00:00Z")) == [ABSURD_BYTES]


def test_a_number_too_long_to_read_cannot_be_either() -> None:
    assert parse(line().replace('"bytes": 5', '"bytes": ' + "9" * 9000)) == [ABSURD_BYTES]


@pytest.mark.parametrize(
    "moment",
    [
        "2014-12-31T23:59:59.999999Z",
        "2015-01-01T08:59:59+09:00",
        "2026-11-20T02:00:00.000001Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
    ],
)
def test_times_that_cannot_be(moment: str) -> None:
    assert parse(line(ended_at=moment)) == [ABSURD_TIME]


def test_blank_lines_are_nothing_and_count() -> None:
    body = "\n".join(["", line(), "   ", "\r", "x", line(record_id="r2"), line(bytes=-1), ""])
    parsed = parse_lines(body.encode(), now=NOW)

    assert parsed.readings == [READING, READING._replace(record_id="r2")]
    assert parsed.refused == [(5, MALFORMED), (7, ABSURD_BYTES)]
    assert parse_lines(b"", now=NOW) == parse_lines(b"\n \n", now=NOW) == reading_lines.ParsedLines([], [])


def test_a_line_that_is_not_utf_8_spoils_no_other() -> None:
    parsed = parse_lines(b"\n".join([line().encode(), b"\xff\xfe", line(record_id="é").encode()]), now=NOW)

    assert ([each.record_id for each in parsed.readings], parsed.refused) == (["r1", "é"], [(2, MALFORMED)])


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20),
    st.integers(0, 10**12),
    st.integers(0, 10**17 - 1),
    st.datetimes(datetime(2014, 12, 1), datetime(2026, 12, 20)),  # noqa: DTZ001  # made aware below
    st.booleans(),
)
def test_the_usual_way_and_the_careful_one_say_the_same(
    record_id: str, amount: int, number: int, moment: datetime, is_checked: bool
) -> None:
    body = f"8{number:017d}"
    check = luhn_digit(body)
    iccid = body + (check if is_checked else str((int(check) + 1) % 10))
    fields = {"record_id": record_id, "iccid": iccid, "bytes": amount, "ended_at": f"{moment.isoformat()}Z"}
    careful = json.dumps(dict(reversed(fields.items())))

    assert parse(json.dumps(fields)) == parse(careful)
    assert isinstance(parse(json.dumps(fields))[0], Reading) == (
        is_checked and reading_lines.EARLIEST <= moment.replace(tzinfo=UTC) <= NOW + timedelta(hours=1)
    )


def test_a_body_of_usual_lines_is_read_as_one_and_any_other_line_by_line() -> None:
    other = "8981200961153878271"
    usual = [line(record_id="r1"), line(record_id="r2", iccid=other), line(record_id="r3", bytes=0) + "\r"]
    readings = [READING, READING._replace(record_id="r2", iccid=other), READING._replace(record_id="r3", amount=0)]
    with patch.object(reading_lines, "_json_reader", side_effect=AssertionError):
        for end in ("", "\n"):
            assert parse_lines(("\n".join(usual) + end).encode(), now=NOW) == ParsedLines(readings, [])
    for bad, code in (
        ("{", MALFORMED),
        (line(iccid=ICCID[:-1] + "4"), MALFORMED),
        (line(ended_at="2026-02-30T00:30:00Z"), MALFORMED),
        (line(bytes=10**13 + 1), ABSURD_BYTES),
        (line(ended_at="2014-12-31T00:30:00Z"), ABSURD_TIME),
        (line(ended_at="2026-11-20T02:00:01Z"), ABSURD_TIME),
    ):
        for place in range(4):
            lines = [*usual[:place], bad, *usual[place:]]
            assert parse_lines("\n".join(lines).encode(), now=NOW) == ParsedLines(
                readings, [RefusedLine(place + 1, code)]
            ), bad
    for blank in ("", " ", "\r"):
        assert parse_lines("\n".join([usual[0], blank, *usual[1:]]).encode(), now=NOW) == ParsedLines(readings, [])


# -- files -------------------------------------------------------------------------------------------------------------


def read(text: str | bytes) -> list[Reading | RefusedLine | None]:
    return list(read_file(BytesIO(text.encode() if isinstance(text, str) else text), now=NOW))


TOKYO_TIME = "2026-11-20T09:30:00+09:00"


def test_a_file_of_json_may_speak_of_voice_and_messages() -> None:
    voice = {**USUAL, "seconds": 60}
    del voice["bytes"]
    lines = ["", line(), json.dumps(voice), line(seconds=60), line(bytes=None, messages=2), "", "x"]

    assert read("\n".join(lines)) == [
        None,
        READING,
        READING._replace(kind=LotKind.VOICE, amount=60),
        RefusedLine(4, MALFORMED),
        READING._replace(kind=LotKind.MESSAGE, amount=2),
        None,
        RefusedLine(7, MALFORMED),
    ]


def test_a_file_of_csv_is_read_by_its_headings() -> None:
    lines = [
        "\ufeffICCID, ended_at ,note,record_id,bytes,seconds\r",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,5,\r",
        f'"{ICCID}","{TOKYO_TIME}","a, ""b""",r1,5,\r',
        f"{ICCID},2026-11-20T00:30:00Z,,r1,,5",
        "",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,5,5",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,,",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,5.0,",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,-5,",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,5",
        f'{ICCID},2026-11-20T00:30:00Z,"cut,r1,5,',
        f"{ICCID},2011-11-20T00:30:00Z,,r1,5,",
        f"{ICCID},2026-11-20T00:30:00Z,,,5,",
        "8.98E+18,2026-11-20T00:30:00Z,,r1,5,",
        f"{ICCID},2026-11-20T00:30:00Z,,r1,５,",
    ]

    assert read("\n".join(lines)) == [
        READING,
        READING,
        READING._replace(kind=LotKind.VOICE),
        None,
        RefusedLine(6, MALFORMED),
        RefusedLine(7, MALFORMED),
        RefusedLine(8, MALFORMED),
        RefusedLine(9, ABSURD_BYTES),
        RefusedLine(10, MALFORMED),
        RefusedLine(11, MALFORMED),
        RefusedLine(12, ABSURD_TIME),
        RefusedLine(13, MALFORMED),
        RefusedLine(14, MALFORMED),
        RefusedLine(15, MALFORMED),
    ]


def test_a_line_too_long_or_not_text_spoils_no_other() -> None:
    long = "x" * 3 * LINE_LENGTH_MAX
    body = f"{line()}\n{long}\n{line()}\n".encode() + b"\xff\n" + line().encode()

    assert read(body) == [READING, RefusedLine(2, MALFORMED), READING, RefusedLine(4, MALFORMED), READING]


def test_an_empty_file_has_nothing() -> None:
    assert (read(""), read("\n \n")) == ([], [None, None])


@pytest.mark.parametrize(
    "text",
    ["nonsense", "iccid,bytes,ended_at\n", "record_id,iccid,ended_at\n", b"\xff\xfei\0c\0", "x" * 2 * LINE_LENGTH_MAX],
)
def test_what_is_neither_is_refused_whole(text: str | bytes) -> None:
    with pytest.raises(UsageFileRefused):
        read(text)


def test_times_come_in_utc() -> None:
    [found] = parse(line(ended_at=TOKYO_TIME))
    assert isinstance(found, Reading)
    assert (found.ended_at.tzinfo, UTC) == (UTC, UTC)
