# SPDX-License-Identifier: Apache-2.0
"""The pages for what goes wrong."""

import pytest
from django.test import Client, RequestFactory
from django.utils import translation

from tests.unit.channels.web.conftest import heading
from tsuzuku.project import errors


def test_nothing_is_there() -> None:
    answer = Client(headers={"accept-language": "zh-CN"}).get("/nothing-here")
    assert (answer.status_code, heading(answer)) == (404, "这里没有您能看的内容")
    assert 'class="button" href="/"' in answer.content.decode()


@pytest.mark.django_db
def test_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("tsuzuku.channels.web.views.doors.render", fail)
    answer = Client(raise_request_exception=False).get("/open")
    assert (answer.status_code, heading(answer)) == (500, "That did not work, and it is our fault")


def test_the_pages_need_no_database() -> None:
    """None of them reads who is there: the database may be what is broken."""
    request = RequestFactory().get("/")
    pages = {
        400: errors.bad_request(request, ValueError()),
        403: errors.permission_denied(request, ValueError()),
        404: errors.page_not_found(request, ValueError()),
        413: errors.request_too_large(request),
        429: errors.too_many_requests(request),
        500: errors.server_error(request),
    }
    assert {page.status_code for page in pages.values()} == set(pages)
    assert errors.csrf_failure(request).status_code == 403
    assert len({heading(page) for page in pages.values()}) == len(pages)


def test_the_pages_are_in_the_language_of_the_request() -> None:
    with translation.override("zh-hans"):
        assert heading(errors.server_error(RequestFactory().get("/"))) == "出错了，是我们的问题"
