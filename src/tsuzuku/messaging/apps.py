# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """The messages."""

    name = "tsuzuku.messaging"

    def ready(self) -> None:
        from tsuzuku.messaging import jobs

        jobs.register()
