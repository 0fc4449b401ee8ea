# SPDX-License-Identifier: Apache-2.0
"""A gateway as an operator describes it."""

import json
from typing import Any

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.adapters.http_sms import HttpSmsGateway, parse_gateway
from tsuzuku.messaging.ports import DeliveryReport, Verdict

SECRET = "a-secret-that-nobody-guesses"
LEAST: dict[str, Any] = {"url": "https://sms.example/send", "body": {"to": "{to}", "text": "{text}"}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "sms.example"}, "url must be an address"),
        ({"body": "text"}, "body and headers must be objects"),
        ({"bodyy": {}}, "has no bodyy"),
        ({"dead_codes": "one"}, "words stand in a list"),
        ({"reports": {"status": "s", "id": "i"}}, "reports needs secret"),
        ({"reports": {"secret": "short", "status": "s", "id": "i"}}, "16 characters"),
        ({"reports": {"secret": SECRET, "status": "s"}}, "needs id or reference"),
        ({"reports": {"secret": SECRET, "status": "s", "id": "i", "proof": "none"}}, "reports.proof must be"),
    ],
)
def test_a_description_that_cannot_work_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_gateway(json.dumps({**LEAST, **change}))


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json"])
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_gateway(text)


def test_the_secret_itself_may_be_the_proof() -> None:
    reports = {"secret": SECRET, "proof": "secret", "header": "Authorization", "id": "ref", "status": "code"}
    gateway = HttpSmsGateway(
        parse_gateway(json.dumps({**LEAST, "reports": {**reports, "bounced": ["404"]}})),
        report_url="https://x.example/",
    )
    body = json.dumps({"ref": "me", "code": 404}).encode()

    def read(**headers: str) -> object:
        return gateway.read_reports(url="", headers=headers, body=body, now=clock.now())

    assert read(authorization=f"Bearer {SECRET}") == [
        DeliveryReport(message_id="me", verdict=Verdict.BOUNCED, reason="404")
    ]
    for wrong in ("", "Bearer", f"Bearer {SECRET}x"):
        with pytest.raises(SignatureForged):
            read(authorization=wrong)
    assert gateway.read_reports(url="", headers={"authorization": SECRET}, body=b"no json", now=clock.now()) == []
