# SPDX-License-Identifier: Apache-2.0
"""Pages for what goes wrong say only what is true."""

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import BadRequest
from django.test import RequestFactory
from django.utils import translation

from tsuzuku.project.errors import bad_request


def test_a_malformed_request_changed_nothing() -> None:
    with translation.override("en"):
        response = bad_request(RequestFactory().get("/"), BadRequest())

    assert response.status_code == 400
    assert "Nothing was changed" in response.content.decode()


def test_a_session_that_could_not_be_kept_says_nothing_of_what_was_done() -> None:
    with translation.override("en"):
        response = bad_request(RequestFactory().get("/"), SessionInterrupted())

    assert response.status_code == 500
    assert "Nothing was changed" not in response.content.decode()
