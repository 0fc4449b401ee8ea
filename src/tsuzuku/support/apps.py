# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class SupportConfig(AppConfig):
    """Evidence."""

    name = "tsuzuku.support"
