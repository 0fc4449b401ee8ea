# SPDX-License-Identifier: Apache-2.0
import gettext
import os
from pathlib import Path

import pytest

from tsuzuku.project import messages


def test_compiles_what_is_newer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    source = tmp_path / "zh_Hans/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    source.write_text(f'{header}msgid "Renew"\nmsgstr "续费"\n', encoding="utf-8")
    assert messages.compile_texts() == [source]
    assert messages.compile_texts() == []
    with source.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Renew") == "续费"
    later = source.with_suffix(".mo").stat().st_mtime_ns + 1
    os.utime(source, ns=(later, later))
    assert messages.compile_texts() == [source]
    assert sorted(path.name for path in source.parent.iterdir()) == ["django.mo", "django.po"]
