# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this door."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The website."""

    name = "tsuzuku.channels.web"
    label = "web"
