# SPDX-License-Identifier: Apache-2.0
import asyncio
import gzip
from collections.abc import Sequence
from typing import Any

import pytest

from tsuzuku.channels.partner_api.http import Problem
from tsuzuku.channels.partner_api.request import (
    Body,
    ClientGone,
    check_media_type,
    lines,
    request_of,
    unpacked,
)

END = {"type": "http.disconnect"}


def part(text: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": text, "more_body": more}


class Client:
    """What a server hands over of a client, message by message."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)

    async def __call__(self) -> dict[str, Any]:
        return self.messages.pop(0)


def read(*messages: dict[str, Any], bytes_max: int = 10) -> bytes:
    return asyncio.run(Body(Client(*messages)).read(bytes_max))


@pytest.mark.parametrize(
    "messages",
    [
        [part(b"abc", more=False)],
        [part(b"a", more=True), part(b"", more=True), part(b"bc", more=False)],
        [part(b"abc", more=True), {"type": "http.request"}],
    ],
)
def test_a_body_is_read_to_its_end(messages: Sequence[dict[str, Any]]) -> None:
    assert read(*messages) == b"abc"


def test_a_body_as_long_as_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert read(part(b"a" * 10, more=False)) == b"a" * 10
    for messages in ([part(b"a" * 11, more=False)], [part(b"a" * 10, more=True), part(b"a", more=True)]):
        with pytest.raises(Problem) as refused:
            read(*messages)
        assert refused.value.code == "body-too-large"


@pytest.mark.parametrize("messages", [[END], [part(b"abc", more=True), END]])
def test_who_hangs_up_half_way_has_said_nothing(messages: Sequence[dict[str, Any]]) -> None:
    with pytest.raises(ClientGone):
        read(*messages)


def test_what_is_not_read_is_thrown_away_within_reason() -> None:
    client = Client(part(b"a" * 3_000_000, more=True), part(b"a", more=False))
    asyncio.run(Body(client).discard())
    assert client.messages == []
    client = Client(*[part(b"a" * 3_000_000, more=True)] * 5)
    asyncio.run(Body(client).discard())
    assert len(client.messages) == 3


def test_headers_that_come_twice_are_joined_and_remembered() -> None:
    request = request_of({"method": "GET", "headers": [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]}, Client())
    assert (request.headers, request.repeated) == ({b"a": b"1, 3", b"b": b"2"}, {b"a"})


@pytest.mark.parametrize("said", [None, b"application/json", b"Application/JSON; charset=utf-8"])
def test_a_body_is_of_the_type_that_is_taken_or_says_nothing(said: bytes | None) -> None:
    headers = [] if said is None else [(b"content-type", said)]
    check_media_type(request_of({"method": "POST", "headers": headers}, Client()), ("application/json",))


@pytest.mark.parametrize("said", [b"", b"text/plain", b"application/jsonx", b"\xff"])
def test_another_type_is_refused(said: bytes) -> None:
    request = request_of({"method": "POST", "headers": [(b"content-type", said)]}, Client())
    with pytest.raises(Problem) as refused:
        check_media_type(request, ("application/json",))
    assert refused.value.code == "media-type-unsupported"


PACKED = gzip.compress(b"abcdefghij", mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "plain"),
    [
        (b"abc", b"", b"abc"),
        (b"abc", b"identity", b"abc"),
        (PACKED, b"gzip", b"abcdefghij"),
        (PACKED, b" X-GZIP ", b"abcdefghij"),
        (gzip.compress(b"abc", mtime=0) + gzip.compress(b"def", mtime=0), b"gzip", b"abcdef"),
        (b"", b"gzip", b""),
    ],
)
def test_unpacking(body: bytes, encoding: bytes, plain: bytes) -> None:
    assert unpacked(body, encoding=encoding, bytes_max=10) == plain


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (PACKED[:-1], b"gzip", "body-malformed"),
        (PACKED[:12], b"gzip", "body-malformed"),
        (b"abc", b"gzip", "body-malformed"),
        (PACKED + b"abc", b"gzip", "body-malformed"),
        (PACKED[:-8] + b"\0" * 8, b"gzip", "body-malformed"),
        (gzip.compress(b"a" * 11, mtime=0), b"gzip", "body-too-large"),
        (gzip.compress(b"a" * 10**8, mtime=0), b"gzip", "body-too-large"),
        (b"abc", b"br", "media-type-unsupported"),
        (b"abc", b"gzip, gzip", "media-type-unsupported"),
    ],
)
def test_what_cannot_be_unpacked(body: bytes, encoding: bytes, code: str) -> None:
    with pytest.raises(Problem) as refused:
        unpacked(body, encoding=encoding, bytes_max=10)
    assert refused.value.code == code


def test_lines() -> None:
    assert list(lines(b"\xef\xbb\xbfa\r\n\n \t\nb\xe2\x80\xa8c\n\xff\nd")) == ["a\r", "b\u2028c", None, "d"]
    assert list(lines(b"")) == []
