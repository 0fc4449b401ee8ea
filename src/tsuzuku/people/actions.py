# SPDX-License-Identifier: Apache-2.0
"""Changing what is known of a person."""

from tsuzuku.people.models import User


def choose_language(*, user: User, language: str) -> None:
    """Mails are written in this language from now on."""
    user.language = language
    user.save(update_fields=["language"])
