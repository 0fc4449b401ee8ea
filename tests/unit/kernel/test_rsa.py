# SPDX-License-Identifier: Apache-2.0
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tsuzuku.kernel.rsa import certificate_serial, is_signed, private_key, public_key, sign
from tsuzuku.testing.simulators.rsa_pairs import new_certified_pair, new_pair


def test_only_the_message_and_the_key_that_signed_it_fit() -> None:
    pair, other = new_pair(), new_pair()
    signature = sign(private_key(pair.private), "続く".encode())
    assert is_signed(public_key(pair.public), "続く".encode(), signature)
    assert not is_signed(public_key(pair.public), b"other", signature)
    assert not is_signed(public_key(other.public), "続く".encode(), signature)


@pytest.mark.parametrize("signature", ["", "x", "WECHATPAY/SIGNTEST/x", "AAAA", "ÿ", "\0"])
def test_what_is_no_signature_at_all_fits_nothing(signature: str) -> None:
    assert not is_signed(public_key(new_pair().public), b"", signature)


def test_a_certificate_has_the_key_and_a_serial_number_in_capitals() -> None:
    pair = new_certified_pair("somebody")
    assert is_signed(public_key(pair.public), b"a", sign(private_key(pair.private), b"a"))
    assert certificate_serial(pair.public) == certificate_serial(pair.public).upper()
    assert int(certificate_serial(pair.public), 16) > 0


def test_other_keys_and_locked_ones_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    locked = BestAvailableEncryption(b"secret")
    for pem, told in (
        (curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "not a private key of RSA"),
        (private_key(new_pair().private).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked), "locked"),
        (b"nothing", "PEM"),
    ):
        with pytest.raises(ValueError, match=told):
            private_key(pem.decode())
    with pytest.raises(ValueError, match="not a public key of RSA"):
        public_key(curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
