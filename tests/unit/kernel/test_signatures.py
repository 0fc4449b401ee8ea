# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from tsuzuku.kernel.signatures import SignatureForged, SignatureStale, check_signature, signature_header

NOW = datetime.fromtimestamp(1_795_000_000, UTC)
BODY = '{"name":"续"}'.encode()
#: Computed with `openssl dgst -sha256 -hmac secret` over "1795000000." and the body.
HEADER = "t=1795000000,v1=79cf56e862376230358f3b4ebb530823abd05fe3705f0f58d32a94889068c361"


def test_signs_as_other_programs_do() -> None:
    assert signature_header(BODY, secrets=["secret"], at=NOW) == HEADER


def test_one_of_two_secrets_is_enough_on_either_side() -> None:
    both = signature_header(BODY, secrets=["new", "old"], at=NOW)
    for secrets in (["new"], ["old"], ["other", "old"]):
        check_signature(both, body=BODY, secrets=secrets, now=NOW)
    check_signature(signature_header(BODY, secrets=["old"], at=NOW), body=BODY, secrets=["new", "old"], now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1795000000",
        HEADER.replace("t=1795000000,", ""),
        HEADER.replace("t=", "t=-"),
        HEADER.replace("t=1795000000", "t=1795000001"),
        HEADER.replace("v1=", "v0="),
        HEADER[:-1],
        HEADER.upper(),
        f"t=1795000000,{HEADER}",
        HEADER.replace("t=1795000000", "t=1795000000000000"),
        HEADER.replace("t=1795000000", "t=１７９５００００００"),
        "t=1795000000,v1=\xff",
    ],
)
def test_anything_else_is_forged(header: str) -> None:
    with pytest.raises(SignatureForged):
        check_signature(header, body=BODY, secrets=["secret"], now=NOW)


def test_another_body_or_secret_is_forged() -> None:
    for body, secrets in ((BODY + b" ", ["secret"]), (BODY, ["secreT"]), (BODY, [])):
        with pytest.raises(SignatureForged):
            check_signature(HEADER, body=body, secrets=secrets, now=NOW)


def test_is_believed_for_five_minutes_either_way() -> None:
    for seconds in (-300, 0, 300):
        check_signature(HEADER, body=BODY, secrets=["secret"], now=NOW + timedelta(seconds=seconds))
    for seconds in (-301, 301):
        with pytest.raises(SignatureStale):
            check_signature(HEADER, body=BODY, secrets=["secret"], now=NOW + timedelta(seconds=seconds))
