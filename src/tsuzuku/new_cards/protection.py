# SPDX-License-Identifier: Apache-2.0
"""Addresses that cards are posted to, sealed at rest under a key of their own (`kernel.sealing`)."""

from django.conf import settings

from tsuzuku.kernel.sealing import seal, unseal
from tsuzuku.new_cards.addresses import PostalAddress, address_of
from tsuzuku.new_cards.models import Parcel

_ADDRESS = "new cards postal address"


def parcel_name(user_id: int, key: str) -> str:
    """What an address is bound to: whose order it is of, and which."""
    return f"{user_id} {key}"


def conceal_address(address: PostalAddress, *, belongs_to: str) -> bytes:
    """What is kept of an address."""
    return seal(address.written(), secret=settings.INSTALLATION_SECRET, purpose=_ADDRESS, belongs_to=belongs_to)


def reveal_address(parcel: Parcel) -> PostalAddress | None:
    """Where a parcel goes, for its buyer and for who packs it; None once it is forgotten. Never log it.

    Raises cryptography.exceptions.InvalidTag if the row was tampered with or the installation's secret has changed.
    """
    if parcel.address_encrypted is None:
        return None
    new_card = parcel.new_card
    return address_of(
        unseal(
            bytes(parcel.address_encrypted),
            secret=settings.INSTALLATION_SECRET,
            purpose=_ADDRESS,
            belongs_to=parcel_name(new_card.user_id, new_card.key),
        )
    )
