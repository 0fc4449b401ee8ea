# SPDX-License-Identifier: Apache-2.0
"""Signs webhooks as PayPal does, under a certificate of an authority that only the simulator's merchant trusts."""

import base64
import json
import secrets
import uuid
import zlib
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tsuzuku.kernel.whole_files import write_whole
from tsuzuku.testing.simulators.paypal.wire import moment

#: Next to it lies the key, in a file of the owner's.
AUTHORITY_FILE = "authority.pem"
_SIGNER_FILE = "signer.json"
_NAME = "messageverificationcerts.sandbox.paypal.com"
_LONG, _YEAR = timedelta(days=3650), timedelta(days=365)
#: A clock may lag, and a test may look back.
_EARLIER = timedelta(days=2)


class Signer:
    """The authority and the newest certificate of a folder; made when there are none."""

    def __init__(self, folder: Path, *, now: datetime) -> None:
        self._folder = folder
        try:
            self._read()
            is_good = self._certificate.not_valid_after_utc > now + _EARLIER
        except FileNotFoundError:
            is_good = False
        if not is_good:
            self.renew(now=now)

    @property
    def certificate_id(self) -> str:
        """What the newest certificate is called in its address."""
        return self._name

    def certificate(self, name: str) -> bytes | None:
        """A certificate in PEM, also one that is no longer used; None if there never was one of that name."""
        path = self._folder / f"{name}.pem"
        return path.read_bytes() if name.startswith("CERT-") and name.isascii() and path.exists() else None

    def renew(self, *, now: datetime) -> None:
        """Makes a certificate with a key of its own, and signs with it from now on."""
        authority_key, authority = self._authority(now=now)
        key = generate_private_key(65537, 2048)
        certificate = (
            _builder(_NAME, authority.subject, key.public_key(), now=now, until=now + _YEAR)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, SHA256())
        )
        name = f"CERT-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        write_whole(self._folder / f"{name}.pem", certificate.public_bytes(Encoding.PEM).decode())
        write_whole(self._folder / _SIGNER_FILE, json.dumps({"name": name, "key": _pem(key)}), mode=0o600)
        self._read()

    def headers(self, body: bytes, *, webhook_id: str, url: str, now: datetime) -> dict[str, str]:
        """The headers of one transmission of a body, for one webhook of the merchant's."""
        transmission, time = str(uuid.uuid4()), moment(now)
        text = f"{transmission}|{time}|{webhook_id}|{zlib.crc32(body)}"
        signature = self._key.sign(text.encode(), PKCS1v15(), SHA256())
        return {
            "PayPal-Transmission-Id": transmission,
            "PayPal-Transmission-Time": time,
            "PayPal-Transmission-Sig": base64.b64encode(signature).decode(),
            "PayPal-Cert-Url": f"{url}/v1/notifications/certs/{self._name}",
            "PayPal-Auth-Algo": "SHA256withRSA",
            "PayPal-Auth-Version": "v2",
        }

    def _read(self) -> None:
        found = json.loads((self._folder / _SIGNER_FILE).read_text(encoding="utf-8"))
        self._name: str = found["name"]
        self._key = _key(found["key"])
        self._certificate = x509.load_pem_x509_certificate((self._folder / f"{self._name}.pem").read_bytes())

    def _authority(self, *, now: datetime) -> tuple[RSAPrivateKey, x509.Certificate]:
        path, key_path = self._folder / AUTHORITY_FILE, self._folder / "authority-key.pem"
        try:
            return _key(key_path.read_text()), x509.load_pem_x509_certificate(path.read_bytes())
        except FileNotFoundError:
            key = generate_private_key(65537, 2048)
        title = "Simulated authority of PayPal"
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(title, name, key.public_key(), now=now, until=now + _LONG)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )
        write_whole(key_path, _pem(key), mode=0o600)
        write_whole(path, certificate.public_bytes(Encoding.PEM).decode())
        return key, certificate


def _builder(
    subject: str, issuer: x509.Name, key: RSAPublicKey, *, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(until)
    )


def _key(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("PayPal signs with RSA")
    return key


def _pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
