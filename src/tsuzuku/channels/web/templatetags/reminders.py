# SPDX-License-Identifier: Apache-2.0
"""Reminders for templates."""

from django import template

from tsuzuku.people.models import User
from tsuzuku.reminders.queries import unread_count

register = template.Library()


@register.simple_tag
def unread(user: User) -> int:
    """How many reminders somebody has not seen."""
    return unread_count(user)
