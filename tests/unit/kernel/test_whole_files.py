# SPDX-License-Identifier: Apache-2.0
import stat
import threading
from pathlib import Path

import pytest

from tsuzuku.kernel.whole_files import WatchedJson, write_whole


def test_writes_a_file_readable_by_whom_it_may_concern(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    write_whole(path, "{}", mode=0o600)
    assert path.read_text(encoding="utf-8") == "{}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secret.json"]


def test_reads_what_is_there_now(tmp_path: Path) -> None:
    path = tmp_path / "address.json"
    watched = WatchedJson(path)
    seen = [watched.read()]
    for content in ('{"n": 1}', '{"n": 2}'):
        write_whole(path, content)
        seen.append(watched.read())
    path.unlink()
    seen.append(watched.read())
    assert seen == [None, {"n": 1}, {"n": 2}, None]


def test_does_not_read_an_unchanged_file_again(tmp_path: Path) -> None:
    path = tmp_path / "address.json"
    write_whole(path, '{"n": 1}')
    watched = WatchedJson(path)
    assert watched.read() is watched.read()


@pytest.mark.parametrize("content", ["", "[1]", '{"n"'])
def test_refuses_what_is_no_object(tmp_path: Path, content: str) -> None:
    path = tmp_path / "address.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"object|Expecting"):
        WatchedJson(path).read()


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "address.json"
    contents = [f'{{"n": "{letter * 20_000}"}}' for letter in "ab"]
    write_whole(path, contents[0])
    is_done = threading.Event()

    def replace() -> None:
        for turn in range(100):
            write_whole(path, contents[turn % 2])
        is_done.set()

    writer = threading.Thread(target=replace)
    writer.start()
    seen = set()
    while not is_done.is_set():
        seen.add(path.read_text(encoding="utf-8"))
    writer.join()
    assert seen <= set(contents)
