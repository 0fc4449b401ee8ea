# SPDX-License-Identifier: Apache-2.0
"""The judge of partners complains of every doctored log, row and account, and of nothing else."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.partners_clients import Account, Asked, Log
from tests.faults.partners_judge import AccountRow, PartnerEvidence, Row, Told, Wish, judge_partners, read_wishes
from tests.faults.partners_wire import Cut, Wire

ICCID, PLAN = "8981100000000000008", "GB-1-3D"
BODY: Mapping[str, Any] = {"number": "A", "iccid": ICCID, "plan": PLAN, "price": {"amount_minor": 300}}
RENEWED = Wish("partner:1", "k1", ICCID, PLAN, renewed=[BODY])
REFUSED = Wish("partner:1", "k2", ICCID, PLAN, refusals=["funds-insufficient"])
ROW = Row("partner:1", "k1", ICCID, PLAN, "A", 300)
ACCOUNT = AccountRow("partner:1", 700, 700, 1000, 0)


def complaints(
    wishes: tuple[Wish, ...] = (RENEWED, REFUSED),
    rows: tuple[Row, ...] = (ROW,),
    account: AccountRow = ACCOUNT,
) -> list[str]:
    return [each.kind for each in judge_partners(PartnerEvidence(wishes=wishes, rows=rows, accounts=[account]))]


def test_what_was_answered_and_is_there_once_is_fine() -> None:
    assert complaints() == []


def test_the_same_answer_again_is_fine() -> None:
    assert complaints((replace(RENEWED, renewed=[BODY, dict(BODY)]), REFUSED)) == []


def test_an_answered_renewal_that_does_not_exist_is_lost() -> None:
    # The account is right, as the money went nowhere; what clients were told it paid is not.
    assert complaints(rows=(), account=replace(ACCOUNT, balance_minor=1000, posted_minor=1000)) == ["lost", "lost"]


@pytest.mark.parametrize("change", [{"number": "B"}, {"iccid": "other"}, {"plan": "OTHER"}])
def test_an_answer_of_something_else_is_lost(change: Mapping[str, str]) -> None:
    assert set(complaints((replace(RENEWED, renewed=[{**BODY, **change}]), REFUSED))) == {"lost"}


def test_another_price_than_was_answered_is_lost() -> None:
    cheaper = {**BODY, "price": {"amount_minor": 299}}
    assert complaints((replace(RENEWED, renewed=[cheaper]), REFUSED)) == ["lost", "lost"]


def test_two_answers_that_differ_are_doubled() -> None:
    assert complaints((replace(RENEWED, renewed=[BODY, {**BODY, "remaining_bytes": 1}]), REFUSED)) == ["doubled"]


def test_a_key_with_two_renewals_is_doubled() -> None:
    twice = (ROW, replace(ROW, number="B"))
    assert complaints(rows=twice, account=replace(ACCOUNT, balance_minor=400, posted_minor=400)) == ["doubled", "lost"]


def test_a_number_given_to_two_keys_is_doubled() -> None:
    other = replace(RENEWED, key="k3")
    assert "doubled" in complaints((RENEWED, other), rows=(ROW, replace(ROW, key="k3")))


def test_a_refused_key_that_was_renewed_is_doubled() -> None:
    rows = (ROW, replace(ROW, key="k2", number="B", amount_minor=1))
    assert complaints(rows=rows, account=replace(ACCOUNT, balance_minor=699, posted_minor=699))[0] == "doubled"


def test_a_renewed_key_that_was_refused_is_lost() -> None:
    assert complaints((replace(RENEWED, refusals=["stack-full"]), REFUSED)) == ["lost"]


def test_a_key_that_was_never_answered_is_lost() -> None:
    assert complaints((RENEWED, replace(REFUSED, refusals=[]))) == ["lost"]


def test_a_renewal_that_nobody_asked_for_is_doubled() -> None:
    free = replace(ROW, key="never", number="B", amount_minor=0)
    assert complaints(rows=(ROW, free)) == ["doubled"]


@pytest.mark.parametrize("change", [{"balance_minor": 699}, {"posted_minor": 699}, {"paid_in_minor": 999}])
def test_a_yen_that_is_missing_is_lost(change: Mapping[str, int]) -> None:
    assert set(complaints(account=replace(ACCOUNT, **change))) == {"lost"}  # type: ignore[arg-type]  # all are numbers


def test_an_account_past_its_limit_is_lost() -> None:
    account = replace(ACCOUNT, balance_minor=-100, posted_minor=-100, paid_in_minor=200, credit_limit_minor=99)
    assert complaints(account=account) == ["lost"]


def test_a_log_is_read_as_it_is_written(tmp_path: Path) -> None:
    account, path = Account("partner:1", "token"), tmp_path / "log"
    log = Log(path)
    for wish in (RENEWED, REFUSED):
        asked = Asked(wish.key, wish.iccid, wish.plan)
        log.write(account, asked, Told.BEGUN, iccid=wish.iccid, plan=wish.plan)
    log.write(account, Asked("k1", ICCID, PLAN), Told.RENEWED, body=BODY)
    log.write(account, Asked("k1", ICCID, PLAN), Told.OTHER_PLAN)
    log.write(account, Asked("k2", ICCID, PLAN), Told.REFUSED, code="funds-insufficient")
    log.close()
    assert read_wishes(path) == [RENEWED, REFUSED]

    # One answer changed by a yen in the file is found.
    path.write_text(path.read_text(encoding="utf-8").replace("300", "301"), encoding="utf-8")
    assert complaints(tuple(read_wishes(path))) == ["lost", "lost"]


def test_an_answer_that_is_cut_is_told_apart_from_a_whole_one() -> None:
    whole = b'HTTP/1.1 201 Created\r\ncontent-length: 12\r\nx-a: b\r\n\r\n{"a":"b"}\n{}'

    async def exchange(sent: bytes) -> object:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n{}")
            writer.write(sent)
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            wire = Wire("127.0.0.1", server.sockets[0].getsockname()[1], token="t")
            try:
                reply = await wire.ask("POST", "/", fields={}, body=b"{}")
                return reply.status, reply.headers["x-a"], json.loads(reply.body.splitlines()[0])
            except Cut as cut:
                return cut.body
            finally:
                wire.hang_up()

    assert asyncio.run(exchange(whole)) == (201, "b", {"a": "b"})
    assert asyncio.run(exchange(whole[:-2])) == b'{"a":"b"}\n'
    assert asyncio.run(exchange(whole[:30])) == b""
