# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """The journal."""

    name = "tsuzuku.journal"

    def ready(self) -> None:
        """By now the queue has loaded every room's jobs module, and with it every listener and chore."""
        from tsuzuku.journal import jobs

        jobs.start()
