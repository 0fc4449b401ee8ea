# SPDX-License-Identifier: Apache-2.0
"""Signatures by RSA with SHA-256 (PKCS #1 v1.5) in base64, as Chinese payment providers sign."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

__all__ = ["RSAPrivateKey", "RSAPublicKey", "certificate_serial", "is_signed", "private_key", "public_key", "sign"]


def private_key(pem: str) -> RSAPrivateKey:
    """A key without a password, in PEM. Raises ValueError."""
    try:
        found = load_pem_private_key(pem.encode(), None)
    except TypeError as problem:  # It has a password.
        raise ValueError("the private key is locked by a password") from problem
    if isinstance(found, RSAPrivateKey):
        return found
    raise ValueError("not a private key of RSA")


def public_key(pem: str) -> RSAPublicKey:
    """A public key, or that of a certificate, in PEM. Raises ValueError."""
    is_certificate = "BEGIN CERTIFICATE" in pem
    found = (
        load_pem_x509_certificate(pem.encode()).public_key() if is_certificate else load_pem_public_key(pem.encode())
    )
    if isinstance(found, RSAPublicKey):
        return found
    raise ValueError("not a public key of RSA")


def certificate_serial(pem: str) -> str:
    """The serial number of a certificate in PEM: hexadecimal, in capitals. Raises ValueError."""
    return f"{load_pem_x509_certificate(pem.encode()).serial_number:X}"


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """The signature of a message."""
    return base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode("ascii")


def is_signed(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether a signature, which may be anything at all, is this key's of this message."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
