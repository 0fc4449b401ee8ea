# SPDX-License-Identifier: Apache-2.0
"""How an eSIM gets into a phone: the activation code as a QR, as one tap, and as two texts to type. Pure.

The code is SGP.22's (GSMA): LPA:1$<SM-DP+ address>$<matching id>[$<OID>[$1 if a confirmation code is asked for]].
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import segno

#: Apple's, from iOS 17.4 on (docs.connect-api.1global.com/recipes/esim-installation, checked 2026-11-22), and the same
#: of Android's own installer, where a phone has it.
_APPLE: Final = "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata="
_ANDROID: Final = "https://esimsetup.android.com/esim_qrcode_provisioning?carddata="
_NEEDS_CONFIRMATION: Final = "1"


@dataclass(frozen=True)
class Installation:
    """What a page shows to install one eSIM; nothing of it may be logged."""

    #: All of it, as some phones ask for it.
    code: str = field(repr=False)
    address: str = field(repr=False)
    matching_id: str = field(repr=False)
    #: Whether the phone asks for a confirmation code that came apart from this.
    asks_confirmation: bool
    apple_link: str = field(repr=False)
    android_link: str = field(repr=False)


def installation(activation_code: str) -> Installation:
    """The ways to install what an activation code names; the code is one that the stock took as well formed."""
    _version, address, matching_id, *more = activation_code.removeprefix("LPA:").split("$")
    # As both makers write it: the signs of the code itself stay as they are.
    carddata = quote(activation_code, safe=":$")
    return Installation(
        code=activation_code,
        address=address,
        matching_id=matching_id,
        asks_confirmation=more[1:2] == [_NEEDS_CONFIRMATION],
        apple_link=f"{_APPLE}{carddata}",
        android_link=f"{_ANDROID}{carddata}",
    )


def install_qr_svg(installation: Installation, *, title: str) -> str:
    """The activation code as an SVG element for a page, with the quiet zone that scanners need (ISO/IEC 18004).

    `title` is what those hear who cannot see it.
    """
    return segno.make(installation.code, error="m", micro=False).svg_inline(
        title=title, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr-code", lineclass=None
    )
