# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """People."""

    name = "tsuzuku.people"
