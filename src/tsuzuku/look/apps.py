# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class LookConfig(AppConfig):
    """The look: its templates, tags and static files."""

    name = "tsuzuku.look"
