# SPDX-License-Identifier: Apache-2.0
import json
import os
from pathlib import Path

import pytest

from tsuzuku.testing.simulators.journal import Journal, JournalDamaged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def records(path: Path) -> list[dict[str, object]]:
    journal = Journal(path)
    try:
        return list(journal.read())
    finally:
        journal.close()


def test_keeps_what_was_appended_in_order(path: Path) -> None:
    journal = Journal(path)
    assert list(journal.read()) == []
    journal.append({"n": 1, "name": "续"})
    journal.append({"n": 2})
    journal.close()
    assert records(path) == [{"n": 1, "name": "续"}, {"n": 2}]


@pytest.mark.parametrize("torn", ['{"n": 3', '{"n": 3}', '{"n"\n', "\0\0\0\0\n", "[3]\n"])
def test_cuts_a_torn_last_line_and_goes_on(path: Path, torn: str) -> None:
    path.write_text(f'{{"n": 1}}\n{{"n": 2}}\n{torn}', encoding="utf-8")
    journal = Journal(path)
    assert list(journal.read()) == [{"n": 1}, {"n": 2}]
    journal.append({"n": 4})
    journal.close()
    assert records(path) == [{"n": 1}, {"n": 2}, {"n": 4}]


def test_does_not_trust_a_file_that_is_damaged_in_the_middle(path: Path) -> None:
    path.write_text('{"n": 1}\n{"n": \n{"n": 3}\n', encoding="utf-8")
    with pytest.raises(JournalDamaged, match="line 2"):
        records(path)


def test_a_record_that_does_not_fit_leaves_no_trace(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    list(journal.read())
    journal.append({"n": 1})
    write = os.write
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:4]))
        with pytest.raises(OSError, match="only 4 of"):
            journal.append({"n": 2})
    journal.append({"n": 3})
    journal.close()
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == [{"n": 1}, {"n": 3}]
