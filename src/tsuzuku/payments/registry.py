# SPDX-License-Identifier: Apache-2.0
"""The payment providers of this installation, by the name that payments keep."""

from contextlib import AbstractContextManager

from tsuzuku.kernel.registry import Registry
from tsuzuku.payments.ports import PaymentProvider

_providers: Registry[str, PaymentProvider] = Registry("payment provider")


def register_provider(name: str, provider: PaymentProvider) -> None:
    """Makes a provider known, once, when the application starts. Raises ValueError if the name is taken."""
    _providers.register(name, provider)


def provider(name: str) -> PaymentProvider:
    """The provider of that name; KeyError if there is none."""
    return _providers[name]


def providers() -> dict[str, PaymentProvider]:
    """All providers by name, in order of registration."""
    return _providers.all()


def using_provider(name: str, provider: PaymentProvider) -> AbstractContextManager[None]:
    """Puts a provider under a name for a while. For tests."""
    return _providers.using(name, provider)
