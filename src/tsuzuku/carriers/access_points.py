# SPDX-License-Identifier: Apache-2.0
"""The access points (APN) of the carriers: what a phone has to be told before a card's data works.

Most phones find it on the card; where they do not, its holder types it in.
"""

from collections.abc import Mapping

from django.conf import settings

from tsuzuku.kernel.access_points import AccessPoint


def access_point_of(carrier: str) -> AccessPoint | None:
    """For the cards of a carrier, as far as it is known."""
    points: Mapping[str, AccessPoint] = settings.ACCESS_POINTS
    return points.get(carrier) or points.get("")


def common_access_point() -> AccessPoint | None:
    """For any card of the brand; None if it depends on the card, or is not known."""
    points: Mapping[str, AccessPoint] = settings.ACCESS_POINTS
    different = set(points.values())
    return different.pop() if len(different) == 1 else None
