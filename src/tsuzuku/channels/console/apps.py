# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this door."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    """The console."""

    name = "tsuzuku.channels.console"
    label = "console"

    def ready(self) -> None:
        from tsuzuku.channels.console.roles import keep_roles

        # Django makes the permissions of new tables at this moment, and before ours: it was connected earlier.
        post_migrate.connect(keep_roles, sender=self, dispatch_uid="tsuzuku.console.roles")
