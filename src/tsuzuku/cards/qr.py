# SPDX-License-Identifier: Apache-2.0
"""QR codes that are printed on a card or shown for it: they lead to its renewal and say nothing about the card."""

import segno
from django.conf import settings

from tsuzuku.cards.models import Card


def renewal_address(card: Card) -> str:
    """Where the card is renewed. It is printed, so it never changes: /c/ and a random token, not a number."""
    return f"{settings.PUBLIC_URL}/c/{card.public_token}"


def card_qr_svg(card: Card, *, title: str) -> str:
    """The card's address as `qr_svg` draws it."""
    return qr_svg(renewal_address(card), title=title)


def qr_svg(address: str, *, title: str) -> str:
    """An address as an SVG element for a page, black on white with the quiet zone that scanners need (ISO/IEC 18004).

    `title` is what those hear who cannot see it.
    """
    return segno.make(address, error="m", micro=False).svg_inline(
        title=title, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
