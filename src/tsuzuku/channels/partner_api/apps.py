# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this door, for the page that explains it."""

from django.apps import AppConfig


class PartnerApiConfig(AppConfig):
    """The partner API."""

    name = "tsuzuku.channels.partner_api"
    label = "partner_api"
