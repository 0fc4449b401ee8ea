# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """People."""

    name = "tsuzuku.people"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_out

        from tsuzuku.people.browsers import forget_this_browser

        # Only Django knows of every logout, and tells before the session's key is gone.
        user_logged_out.connect(forget_this_browser, dispatch_uid="forget this browser")
