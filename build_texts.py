# SPDX-License-Identifier: Apache-2.0
"""Compiles the texts (.po to .mo) when the package is built, editable installs included, without gettext's tools."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TextsBuildHook(BuildHookInterface[Any]):
    """Hatch's hook: one .mo beside each .po."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for source in sorted((Path(self.root) / "src/tsuzuku/locale").glob("*/LC_MESSAGES/*.po")):
            with source.open("rb") as file:
                catalog = read_po(file)
            with source.with_suffix(".mo").open("wb") as file:
                write_mo(file, catalog)
