# SPDX-License-Identifier: Apache-2.0
"""Django's registration of this room."""

from django.apps import AppConfig


class NewCardsConfig(AppConfig):
    """New cards."""

    name = "tsuzuku.new_cards"
