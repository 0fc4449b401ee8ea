# SPDX-License-Identifier: Apache-2.0
"""The gateway of each kind of address."""

from contextlib import AbstractContextManager

from tsuzuku.kernel.registry import Registry
from tsuzuku.messaging.ports import AddressKind, Gateway

_gateways: Registry[AddressKind, Gateway] = Registry("gateway")


def register_gateway(kind: AddressKind, gateway: Gateway) -> None:
    """Sets who carries messages to a kind of address, once, when the application starts."""
    _gateways.register(kind, gateway)


def gateway(kind: AddressKind) -> Gateway:
    """The gateway for a kind of address; KeyError if there is none."""
    return _gateways[kind]


def has_gateway(kind: AddressKind) -> bool:
    """Whether there is a gateway for a kind of address."""
    return kind in _gateways.all()


def gateways() -> tuple[Gateway, ...]:
    """Every gateway that there is."""
    return tuple(_gateways.all().values())


def using_gateway(kind: AddressKind, gateway: Gateway) -> AbstractContextManager[None]:
    """Puts a gateway in place for a while. For tests."""
    return _gateways.using(kind, gateway)
