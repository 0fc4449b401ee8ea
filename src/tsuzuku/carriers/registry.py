# SPDX-License-Identifier: Apache-2.0
"""The carriers of this installation, by the name that cards and renewals keep."""

from contextlib import AbstractContextManager

from tsuzuku.carriers.ports import Carrier
from tsuzuku.kernel.registry import Registry

_carriers: Registry[str, Carrier] = Registry("carrier")


def register_carrier(name: str, carrier: Carrier) -> None:
    """Makes a carrier known, once, when the application starts. Raises ValueError if the name is taken."""
    _carriers.register(name, carrier)


def carrier(name: str) -> Carrier:
    """The carrier of that name; KeyError if there is none."""
    return _carriers[name]


def carrier_names() -> tuple[str, ...]:
    """The names of all carriers, in order of registration."""
    return tuple(_carriers.all())


def using_carrier(name: str, carrier: Carrier) -> AbstractContextManager[None]:
    """Puts a carrier under a name for a while. For tests."""
    return _carriers.using(name, carrier)
