# SPDX-License-Identifier: Apache-2.0
"""Pairs of RSA keys for simulators and their merchants, as PEM."""

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tsuzuku.kernel import clock

_BITS = 2048
_VALID = timedelta(days=5 * 365)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A key that signs, and the one by which others see who did."""

    private: str
    public: str


def new_pair() -> Pair:
    """A pair that nobody has had before."""
    key = rsa.generate_private_key(65537, _BITS)
    return Pair(private=_private_pem(key), public=_public_pem(key))


def new_certified_pair(name: str) -> Pair:
    """The same with a certificate in place of the public key, vouched for by itself."""
    key = rsa.generate_private_key(65537, _BITS)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + _VALID)
        .sign(key, SHA256())
    )
    return Pair(private=_private_pem(key), public=certificate.public_bytes(Encoding.PEM).decode("ascii"))


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
