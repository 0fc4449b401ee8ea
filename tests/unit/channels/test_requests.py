# SPDX-License-Identifier: Apache-2.0
"""What is refused whatever the page is, before anything is read of it."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from tests.unit.channels.conftest import PIN
from tests.unit.channels.web.conftest import Answer, heading
from tsuzuku.project.middleware import BODY_BYTES_MAX, Handler

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"


class Unread(BytesIO):
    """A body that nobody may look into."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("it was read")


def send(path: str, content_type: str, **environment: object) -> Answer:
    return Client(enforce_csrf_checks=True).generic("POST", path, b"", content_type, **environment)  # type: ignore[arg-type]  # WSGI's


@pytest.mark.parametrize("content_type", [FORM, MULTIPART, "application/json"])
@pytest.mark.parametrize("path", ["/open", "/language", "/nothing-here"])
def test_a_body_that_is_too_large_is_not_even_read(path: str, content_type: str) -> None:
    environment = {"CONTENT_LENGTH": str(BODY_BYTES_MAX + 1), "wsgi.input": Unread(b"x")}
    answer = send(path, content_type, **environment)
    assert (answer.status_code, heading(answer)) == (413, "That was more than we can take")


def test_a_body_whose_length_is_not_told_is_not_read() -> None:
    environment = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Unread(b"x")}
    assert send("/open", MULTIPART, **environment).status_code == 413


@pytest.mark.parametrize("length", ["x", "-1", "1e9"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    assert send("/open", FORM, CONTENT_LENGTH=length).status_code == 413


def test_a_refusal_is_in_the_language_of_the_reader() -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    answer = client.post("/open", {"file": SimpleUploadedFile("large", b"x" * BODY_BYTES_MAX)})
    assert (answer.status_code, heading(answer)) == (413, "内容太大，我们收不下")


def test_what_is_as_large_as_allowed_is_read(card: "Card") -> None:
    body = f"number={card.iccid}&pin={PIN}&rest=".encode()
    body += b"x" * (BODY_BYTES_MAX - len(body))
    assert Client().post("/open", body, content_type=FORM).status_code == 302


def test_webhooks_have_a_limit_of_their_own() -> None:
    environment = {"CONTENT_LENGTH": "2000000", "wsgi.input": Unread(b"x")}
    assert send("/inbound/payments/nobody", "application/json", **environment).status_code == 404


@pytest.mark.parametrize("charset", ["rot13", "zlib", "hex", "idna", "undefined", "utf-16", "nonsense"])
@pytest.mark.parametrize("content_type", [FORM, MULTIPART, "text/plain"])
def test_a_body_in_another_charset_is_refused(content_type: str, charset: str) -> None:
    client = Client()
    answers = [
        client.generic("POST", "/open", b"number=1", f"{content_type}; charset={charset}"),
        client.generic("GET", "/open", b"", CONTENT_TYPE=f"{content_type}; charset={charset}"),
    ]
    assert [(answer.status_code, heading(answer)) for answer in answers] == [
        (400, "We could not read that request")
    ] * 2


@pytest.mark.parametrize("parameter", ["charset=rot13", "charset=undefined", "charset*=utf-8''a%00b", "x*=none''b"])
def test_an_address_is_not_read_in_the_charset_of_the_body(parameter: str) -> None:
    """Django's test client makes requests in a way of its own, so the application is called as a server does."""
    environ: dict[str, Any] = {"PATH_INFO": "/open", "QUERY_STRING": "next=/cards"}
    environ["CONTENT_TYPE"] = f"{FORM}; {parameter}"
    setup_testing_defaults(environ)
    answered = []

    def start(status: str, headers: list[tuple[str, str]], failure: object = None, /) -> Callable[[bytes], object]:
        answered.append(status)
        return bytes

    pages = Handler()(environ, start)
    assert (answered, heading(HttpResponse(pages))) == (["400 Bad Request"], "We could not read that request")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8"])
def test_a_form_may_say_that_it_is_in_utf8(card: "Card", charset: str) -> None:
    body = f"number={card.iccid}&pin={PIN}".encode()
    assert Client().post("/open", body, content_type=f"{FORM}; charset={charset}").status_code == 302


@pytest.mark.parametrize("cookie", ['"a\\000b"', "../../etc", "ABC", '""', "é"])
def test_a_session_cookie_that_is_none_of_ours_is_overlooked(card: "Card", cookie: str) -> None:
    client = Client(headers={"cookie": f"tsuzuku_session={cookie}"})
    assert [client.get(path).status_code for path in ("/", "/cards", f"/c/{card.public_token}")] == [200, 302, 302]


def test_a_session_of_ours_is_kept(of_stranger: Client, stranger: "User") -> None:
    answer = of_stranger.get("/account")
    assert (answer.status_code, answer.wsgi_request.user) == (200, stranger)
