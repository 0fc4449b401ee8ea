# SPDX-License-Identifier: Apache-2.0
"""Texts: from .po to .mo with Babel, so that no machine needs gettext's tools."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compile_texts() -> list[Path]:
    """Compiles each .po that is newer than its .mo; returns the .po files it compiled. Raises OSError."""
    compiled = []
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with source.open("rb") as file:
            catalog = read_po(file)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        with temporary.open("wb") as file:
            write_mo(file, catalog)
        temporary.replace(target)
        compiled.append(source)
    return compiled
