# SPDX-License-Identifier: Apache-2.0
import base64
import json
import string
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tsuzuku.kernel.money import Money
from tsuzuku.project.cli import tsuzuku
from tsuzuku.receipts.errors import ReceiptNotGenuine
from tsuzuku.receipts.signing import (
    SignedReceipt,
    check_receipt,
    jwks,
    key_id,
    keys_in,
    public_x,
    sign,
    verify_address,
)

SECRET = "a secret of one installation"
RECEIPT = SignedReceipt(
    issuer_url="https://sim.example",
    issuer_name="株式会社つづく通信",
    tax_number="T1234567890123",
    number="2026-000001",
    sold_on=date(2026, 11, 21),
    amount=Money(1180, "JPY"),
    tax=Money(107, "JPY"),
)
TOKEN = sign(RECEIPT, secret=SECRET)
TEXT = verify_address(TOKEN, issuer_url="https://sim.example")
KEYS = {key_id(public_x(SECRET)): public_x(SECRET)}


def is_genuine(text: str, keys: dict[str, str] | None = None) -> bool:
    try:
        check_receipt(text, keys=KEYS if keys is None else keys)
    except ReceiptNotGenuine:
        return False
    return True


@pytest.mark.parametrize("text", [TEXT, TOKEN, f"  {TEXT}\n"])
def test_what_was_signed_is_read_back(text: str) -> None:
    assert check_receipt(text, keys=KEYS) == RECEIPT


def test_changed_by_one_character_it_is_not_genuine() -> None:
    """Every place, and for each all letters that a token may have; the last one holds spare bits."""
    letters = string.ascii_letters + string.digits + "-_.=/:?"
    for place, original in enumerate(TEXT):
        for letter in letters if place == len(TEXT) - 1 else "Ax9-":
            if letter != original:
                assert not is_genuine(TEXT[:place] + letter + TEXT[place + 1 :]), (place, letter)


def test_a_character_left_out_or_put_in_is_found() -> None:
    for place in range(len(TEXT)):
        assert not is_genuine(TEXT[:place] + TEXT[place + 1 :]), place
        assert not is_genuine(TEXT[:place] + "A" + TEXT[place:]), place


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "[" * 5000, "\x00", "é.é.é", f"{TOKEN}.", "." + TOKEN, TEXT + TEXT, "x" * 100_000]
)
def test_anything_else_is_not_genuine(text: str) -> None:
    assert not is_genuine(text)


def test_another_key_does_not_do() -> None:
    other = public_x("another secret")
    assert not is_genuine(TEXT, {key_id(other): other})
    assert not is_genuine(TEXT, {next(iter(KEYS)): other})
    assert not is_genuine(TEXT, {})


def test_after_a_new_key_old_receipts_stay_genuine() -> None:
    newer = public_x("the next secret")
    assert is_genuine(TEXT, {**KEYS, key_id(newer): newer})


def test_it_is_a_jws_that_others_can_check() -> None:
    """By RFC 7515 and RFC 8037 alone, with none of our code."""
    header, claims, signature = TOKEN.split(".")

    def decoded(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "==")

    (key,) = jwks(KEYS)["keys"]
    assert json.loads(decoded(header)) == {"alg": "EdDSA", "kid": key["kid"]}
    Ed25519PublicKey.from_public_bytes(decoded(key["x"])).verify(decoded(signature), f"{header}.{claims}".encode())
    assert json.loads(decoded(claims)) == {
        "iss": "https://sim.example",
        "name": "株式会社つづく通信",
        "tax_no": "T1234567890123",
        "no": "2026-000001",
        "on": "2026-11-21",
        "amount": 1180,
        "tax": 107,
        "cur": "JPY",
    }


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"keys": 3}', '{"keys": [{}]}'])
def test_what_are_no_keys_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="not a JWK set"):
        keys_in(document)


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(jwks(KEYS)), encoding="utf-8")
    return path


def test_the_command_needs_a_public_key_and_nothing_else(keys_file: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tsuzuku.project.cli", "verify", TEXT, "--keys", str(keys_file)]
    told = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=True,
        env={"TSUZUKU_HOME": str(tmp_path / "none"), "LANG": "C.UTF-8"},
    )
    assert told.stdout.splitlines() == [
        "genuine",
        "number  2026-000001",
        "date    2026-11-21",
        "amount  1180 JPY, tax in it 107",
        "issuer  株式会社つづく通信 T1234567890123 https://sim.example",
    ]
    assert not (tmp_path / "none").exists()


def test_the_command_finds_a_change(keys_file: Path) -> None:
    told = CliRunner().invoke(tsuzuku, ["verify", TEXT[:-1] + "A", "--keys", str(keys_file)])
    assert (told.exit_code, told.output) == (1, "not genuine\n")


def test_the_command_refuses_what_are_no_keys(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("hello", encoding="utf-8")
    told = CliRunner().invoke(tsuzuku, ["verify", TEXT, "--keys", str(tmp_path / "keys.json")])
    assert told.exit_code == 2
