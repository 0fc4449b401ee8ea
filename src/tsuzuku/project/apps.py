# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The assembled product."""

    name = "tsuzuku.project"

    def ready(self) -> None:
        from tsuzuku.project import adapters

        adapters.register_adapters()
