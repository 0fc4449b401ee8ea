# SPDX-License-Identifier: Apache-2.0
"""The certificates under which PayPal signs webhooks: fetched from PayPal alone, and vouched for by an authority."""

import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from http import HTTPStatus
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tsuzuku.kernel.calls import exchange, new_client
from tsuzuku.kernel.outcomes import PortError
from tsuzuku.payments.adapters.paypal.config import Account
from tsuzuku.payments.ports import WebhookForged

#: What a signer is called: messageverificationcerts.paypal.com, or .sandbox.paypal.com.
_NAMES_END = ".paypal.com"
#: PayPal uses one at a time; what anybody else makes us fetch is not kept, and this is only a bound.
_KEPT_MAX = 32


@dataclass(frozen=True, slots=True)
class _Signer:
    """A certificate whose chain has been checked."""

    key: RSAPublicKey
    valid_from: datetime
    valid_until: datetime


class SigningCertificates:
    """Signers by the address of their certificate. What is kept was checked, and is checked for its dates each time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._signers: dict[str, _Signer] = {}

    def key(self, url: str, *, now: datetime) -> RSAPublicKey:
        """The key of the certificate at an address.

        Raises WebhookForged if the address is not PayPal's (then nobody is called), if no authority vouches for a
        PayPal behind it, or if that cannot be found out now: PayPal sends the webhook again.
        """
        try:
            if not self._account.may_serve_certificates(url):
                raise WebhookForged
            signer = self._signers.get(url) or self._fetch(url, now=now)
        except (PortError, ValueError, OSError, x509.ExtensionNotFound, VerificationError) as problem:
            raise WebhookForged from problem
        if not signer.valid_from <= now <= signer.valid_until:
            raise WebhookForged
        return signer.key

    def _fetch(self, url: str, *, now: datetime) -> _Signer:
        leaf, *others = x509.load_pem_x509_certificates(self._body(url))
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("PayPal signs with RSA")
        self._check_chain(leaf, others, now=now)
        signer = _Signer(key, leaf.not_valid_before_utc, leaf.not_valid_after_utc)
        if len(self._signers) >= _KEPT_MAX:
            self._signers.clear()
        self._signers[url] = signer
        return signer

    def _check_chain(self, leaf: x509.Certificate, others: list[x509.Certificate], *, now: datetime) -> None:
        """Raises what `key` takes for forged. PayPal serves a certificate alone; its issuer's is where it says."""
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        name = next((name for name in names.get_values_for_type(x509.DNSName) if name.endswith(_NAMES_END)), None)
        if name is None:
            raise ValueError("not a certificate of PayPal's")
        policy = PolicyBuilder().store(_store(self._account.authorities())).time(now)
        verifier = policy.build_server_verifier(x509.DNSName(name))
        try:
            verifier.verify(leaf, others)
        except VerificationError:
            verifier.verify(leaf, [*others, *self._issuers(leaf)])

    def _issuers(self, leaf: x509.Certificate) -> list[x509.Certificate]:
        """The certificates of whoever issued this one, from where it says: an authority must vouch for them as well."""
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        urls = [
            each.access_location.value
            for each in access
            if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        ]
        return [x509.load_der_x509_certificate(self._body(url)) for url in urls[:1]]

    def _body(self, url: str) -> bytes:
        answer = exchange(self._client, self._client.build_request("GET", url), changes_nothing=True)
        if answer.status != HTTPStatus.OK:
            raise ValueError(f"HTTP {answer.status}")
        return answer.body

    @cached_property
    def _client(self) -> httpx.Client:
        return new_client(through_proxy=(self._account.api_url() or "").startswith("https:"))


@lru_cache(maxsize=4)
def _store(path: Path) -> Store:
    """The authorities of a file."""
    with warnings.catch_warnings():
        # Some roots of the web are older than today's rules for serial numbers.
        warnings.simplefilter("ignore")
        return Store(x509.load_pem_x509_certificates(path.read_bytes()))
