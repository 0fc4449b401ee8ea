# SPDX-License-Identifier: Apache-2.0
"""The form of a postal address: the parts of one country, in its own order, named as they are named there, too."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsuzuku.new_cards.addresses import COUNTRIES, LENGTH_MAX, Part, read_address
from tsuzuku.new_cards.errors import PostalAddressMalformed

#: What is longer was not typed; what a little is, gets a word of its own.
_TYPED_MAX = 4 * LENGTH_MAX
_PREFIX = "to"


class PostalForm(forms.Form):
    """Where a card is posted to; `address` of what was cleaned is the address as it is kept."""

    use_required_attribute = False

    def __init__(self, country: str, typed: QueryDict | None = None, *, is_checked: bool = True) -> None:
        """With what was `typed`; not checked, it is only shown again."""
        self._country = COUNTRIES[country]
        kept = {part.name: typed.get(f"{_PREFIX}-{part.name}", "") for part in self._country.parts} if typed else {}
        super().__init__(typed if is_checked else None, prefix=_PREFIX, initial=kept)
        for part in self._country.parts:
            self.fields[part.name] = _field(part, self._country.language)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        # All is read in one place; of a part that was far too long, only that is said.
        try:
            found["address"] = read_address(self._country.code, {**found, **dict.fromkeys(self.errors, "?")})
        except PostalAddressMalformed as malformed:
            for name, mistake in malformed.mistakes.items():
                if name not in self.errors:
                    self.add_error(name, str(mistake))
        return found


def _field(part: Part, language: str) -> forms.Field:
    attributes = {"autocomplete": part.autocomplete} if part.autocomplete else {}
    widget: forms.Widget
    if part.choices:
        shown = [(name, f"{name} {latin}") for name, latin in part.choices]
        widget = forms.Select(attributes, choices=[("", "–"), *shown])
    else:
        if part.is_number:
            attributes |= {"class": "digits", "inputmode": "tel" if part.name == "phone" else "numeric"}
        widget = forms.TextInput(attributes)
    return forms.CharField(
        label=_label(part, language), help_text=_hint(part), required=False, max_length=_TYPED_MAX, widget=widget
    )


def _label(part: Part, language: str) -> str:
    """In the reader's language, and as it stands on forms of that country; once where both are one."""
    label = str(part.label)
    named = part.local if get_language() == language or label == part.local else f"{label} · {part.local}"
    return named if part.is_required else _("%(part)s (if there is one)") % {"part": named}


def _hint(part: Part) -> str:
    return _("For example %(example)s") % {"example": part.example} if part.example else ""
