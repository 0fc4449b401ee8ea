# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from datetime import datetime

import pytest

from tsuzuku.channels.partner_api.callers import Call, Pace, admitted, digest_of
from tsuzuku.channels.partner_api.http import Problem
from tsuzuku.channels.partner_api.request import Body, Request, request_of
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.sellers.actions import create_key, create_partner, revoke_key
from tsuzuku.sellers.queries import Caller, key_digest


def test_a_second_holds_a_seconds_calls() -> None:
    pace = Pace()
    assert [pace.wait_seconds(1, 2, now=10.0) for _ in range(3)] == [0, 0, 0.5]
    assert pace.wait_seconds(2, 2, now=10.0) == 0
    assert pace.wait_seconds(1, 2, now=10.5) == 0
    assert pace.wait_seconds(1, 2, now=10.5) == 0.5


def test_a_long_rest_saves_no_more_than_a_seconds_calls() -> None:
    pace = Pace()
    pace.wait_seconds(1, 2, now=0.0)
    assert [pace.wait_seconds(1, 2, now=1000.0) for _ in range(3)] == [0, 0, 0.5]


async def _nothing() -> dict[str, object]:
    return {"type": "http.request"}


def request(*authorization: bytes) -> Request:
    headers = [(b"authorization", each) for each in authorization]
    return request_of({"method": "GET", "headers": headers}, _nothing)


@pytest.mark.parametrize("header", [b"Bearer k", b"bearer k", b"BEARER  k "])
def test_the_key_stands_behind_its_scheme(header: bytes) -> None:
    assert digest_of(request(header)) == key_digest("k")


@pytest.mark.parametrize("headers", [(), (b"",), (b"Basic k",), (b"Bearer",), (b"Bearer " + b"k" * 1000,)])
def test_anything_else_is_no_key(headers: Sequence[bytes]) -> None:
    assert digest_of(request(*headers)) is None


def test_two_keys_are_no_key_of_anybodys() -> None:
    assert digest_of(request(b"Bearer k", b"Bearer k")) not in (None, key_digest("k"))


@pytest.mark.django_db
def test_only_the_calls_that_are_allowed_get_to_the_work() -> None:
    now: datetime = clock.now()
    create_partner(
        name="acme",
        email="",
        language="en",
        all_cards=True,
        card_groups=(),
        balance=Money(0, "JPY"),
        credit_limit_minor=0,
        low_balance_minor=None,
        actor="operator",
        now=now,
    )

    def key(*scopes: str, calls_per_second: int = 100) -> bytes:
        made = create_key(name="acme", scopes=scopes, actor="operator", now=now, calls_per_second=calls_per_second)
        keys[made.key] = made.id
        return key_digest(made.key)

    keys: dict[str, int] = {}
    living, other, slow, revoked = (
        key("cards:read"),
        key("usage:write"),
        key("cards:read", calls_per_second=1),
        key("cards:read"),
    )
    revoke_key(key_id=list(keys.values())[-1], actor="operator", now=now)
    asked: list[str] = []

    def work(calls: Sequence[tuple[Caller, str]]) -> list[str | Problem]:
        asked.extend(each for _, each in calls)
        return [each.upper() for _, each in calls]

    answers = admitted(work)(
        [
            Call(None, "cards:read", "a"),
            Call(living, "cards:read", "b"),
            Call(other, "cards:read", "c"),
            Call(revoked, "cards:read", "d"),
            Call(slow, "cards:read", "e"),
            Call(slow, "cards:read", "f"),
            Call(living, "cards:read", Problem("iccid-malformed")),
            Call(None, "cards:read", Problem("iccid-malformed")),
            Call(living, "cards:read", "g"),
        ]
    )
    assert [each.code if isinstance(each, Problem) else each for each in answers] == [
        "key-unknown", "B", "scope-missing", "key-unknown", "E", "rate-limited", "iccid-malformed", "key-unknown", "G",
    ]  # fmt: skip
    assert asked == ["b", "e", "g"]


def test_a_body_is_not_touched_by_asking_who_calls() -> None:
    body = Body(_nothing)
    assert digest_of(Request("GET", {b"authorization": b"Bearer k"}, (), body)) == key_digest("k")
