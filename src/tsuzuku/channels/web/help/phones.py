# SPDX-License-Identifier: Apache-2.0
"""The phones that have a guide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Phone:
    """A kind of phone whose menus read alike. `slug` stands in addresses."""

    slug: str
    name: "StrOrPromise"


PHONES: Mapping[str, Phone] = {
    phone.slug: phone
    for phone in (
        Phone("iphone", "iPhone"),
        Phone("pixel", "Google Pixel"),
        Phone("galaxy", "Samsung Galaxy"),
        Phone("xiaomi", "Xiaomi · Redmi · POCO"),
        Phone("huawei", "Huawei"),
        Phone("android", _("Other Android phones")),
    )
}
