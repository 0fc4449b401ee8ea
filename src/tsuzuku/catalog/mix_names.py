# SPDX-License-Identifier: Apache-2.0
"""What was sold, by name: a plan by its own, a mix with what was chosen."""

from django.utils import translation
from django.utils.translation import gettext, ngettext

from tsuzuku.catalog.mixes import Mix
from tsuzuku.catalog.models import Plan
from tsuzuku.look import formats


def sold_name(plan: Plan, mix: Mix | None, language: str) -> str:
    """The name in a language (Django's or the file's spelling of its tag), else in English."""
    name = plan.name_in(language)
    if mix is None:
        return name
    with translation.override(language.lower()):
        days = ngettext("%(days)s day", "%(days)s days", mix.days) % {"days": formats.number(mix.days)}
        words = {"plan": name, "size": formats.data_size(mix.data_bytes), "days": days}
        return gettext("%(plan)s: %(size)s, %(days)s") % words
