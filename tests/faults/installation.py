# SPDX-License-Identifier: Apache-2.0
"""An installation in a home of its own: everything that `tsuzuku serve` runs, and sandboxes beside it if wanted.

As a program it is the supervisor's process: `python -m tests.faults.installation`, told by its environment.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import httpx
import psycopg
from psycopg.rows import TupleRow

from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.project import postgres, programs, tether
from tsuzuku.project.database import DATABASE_VARIABLE
from tsuzuku.project.supervisor import processes_file
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import ADDRESS_FILE

HOST = "127.0.0.1"
#: How long the carrier takes for an activation, in seconds.
CARRIER_DELAY_SECONDS = "0.3"
_PREFIX = "tsuzuku-faults-"
_START_SECONDS = 180
#: Cards are imported at more than this many a second.
_CARDS_PER_SECOND = 2000
_STOP_SECONDS = 60
_READY_FILE = "ready"
#: Locked as long as the run lives; the kernel lets go of it when the run is killed.
_LOCK_FILE = "faults.lock"
#: In a home that is to be looked into after a failure.
_KEEP_FILE = "keep"
_WEB_PORT, _CARDS = "FAULTS_WEB_PORT", "FAULTS_CARDS"
_HAS_SANDBOXES = "FAULTS_HAS_SANDBOXES"
_ROOT = Path(__file__).resolve().parents[2]


class Failed(Exception):
    """The installation does not do what the test needs; the text says what."""


def card_and_pin(number: int) -> tuple[str, str]:
    """The ICCID and the PIN of the n-th card; made-up numbers of a Japanese issuer."""
    body = f"89811020{number:010d}"
    return body + luhn_digit(body), f"{number * 7919 % 10_000:04d}"


class Installation:
    """A running installation, from outside.

    Its cards are of the sandbox carrier. With sandboxes that is asked for each activation, and there is a provider to
    pay at; without them it confirms at once, and nothing runs but what `tsuzuku serve` runs.
    """

    def __init__(self, *, cards: int, has_sandboxes: bool = True) -> None:
        self.cards = cards
        _delete_homes_of_killed_runs()
        self.home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.home.chmod(0o755)  # As root, the server's user must be able to enter it.
        self._lock = _locked(self.home)
        web_port, _ = free_ports()
        self.url = programs.local_url(HOST, web_port)
        self._environment = {name: text for name, text in os.environ.items() if name != DATABASE_VARIABLE} | {
            "TSUZUKU_HOME": str(self.home),
            "TSUZUKU_PUBLIC_URL": self.url,
            "TSUZUKU_EMAIL_GATEWAY": "mailbox",
            # All clients come from one address, and none of them ever rests.
            "TSUZUKU_OWN_NETWORKS": f"{HOST}/32",
            _WEB_PORT: str(web_port),
            # With it all methods are offered that a simulator plays.
            "TSUZUKU_DEMO": "on" if has_sandboxes else "off",
            _CARDS: str(cards),
            _HAS_SANDBOXES: "on" if has_sandboxes else "off",
        }
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._server: postgres.Server | None = None

    @property
    def log(self) -> Path:
        """What all processes say."""
        return self.home / "log"

    def start(self) -> None:
        """Starts everything and returns when it answers. Call it from the main thread. Raises Failed."""
        with self.log.open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, tether.__file__, str(os.getpid()), sys.executable, "-m", "tests.faults.installation"],
                env=self._environment,
                cwd=_ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + _START_SECONDS + self.cards / _CARDS_PER_SECOND
        while not (self.home / _READY_FILE).exists():
            if self._supervisor.poll() is not None or time.monotonic() > until:
                raise Failed(f"the installation did not start; see {self.log}")
            time.sleep(0.1)
        # Holds the server, so that rows can be read after everything else has stopped.
        self._server = postgres.attach(self.home)

    def processes(self) -> dict[str, int]:
        """The processes that the supervisor keeps running, by name; one that is just being started is missing."""
        try:
            found: dict[str, int] = json.loads(processes_file(self.home).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    @property
    def server(self) -> postgres.Server:
        """The embedded PostgreSQL. Raises Failed before the start and after the release."""
        if self._server is None:
            raise Failed("the installation has not been started")
        return self._server

    def rows(self, query: str) -> list[TupleRow]:
        """What a query finds. Raises psycopg.OperationalError while the server is down."""
        with psycopg.connect(self.server.url, connect_timeout=5) as connection:
            return connection.execute(query.encode()).fetchall()

    def sandbox(self, name: str) -> Mapping[str, Any]:
        """The address file of a sandbox."""
        found: dict[str, Any] = json.loads((self.folder(name) / ADDRESS_FILE).read_text(encoding="utf-8"))
        return found

    def folder(self, name: str) -> Path:
        """Where a sandbox keeps its files."""
        return self.home / name

    def others(self) -> dict[str, str]:
        """The addresses of the simulators beside the sandbox, by provider."""
        from tsuzuku.project.simulators import SIMULATORS

        return {
            provider: str(self.sandbox(simulator.sandbox.name)["url"])
            for provider, simulator in SIMULATORS.items()
            if provider != "sandbox"
        }

    def books_of(self, provider: str) -> dict[str, Any]:
        """What a simulator says of itself. Raises httpx.HTTPError while it is down."""
        from tsuzuku.project.simulators import SIMULATORS

        name = SIMULATORS[provider].sandbox.name
        url = f"{self.sandbox(name)['url']}/audit"
        answer = httpx.get(url, headers=control_headers(self.folder(name)), timeout=10, trust_env=False)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def make_refunds_by_hand(self) -> None:
        """What a person does at KOMOJU, which gives cash back in no other way; while it is down they cannot."""
        from tsuzuku.project.simulators import SIMULATORS

        name = SIMULATORS["komoju"].sandbox.name
        with suppress(httpx.HTTPError):
            httpx.post(
                f"{self.sandbox(name)['url']}/control",
                json={"make_refunds": True},
                headers=control_headers(self.folder(name)),
                timeout=5,
                trust_env=False,
            )

    def provider_headers(self) -> dict[str, str]:
        """What lets its owner tell the provider what to do."""
        return control_headers(self.folder("payment-sandbox"))

    def audit(self) -> dict[str, Any]:
        """What `tsuzuku audit --json` answers. Raises Failed if it gives none."""
        answer: dict[str, Any] = self.ask("audit")
        return answer

    def ask(self, *words: str) -> Any:  # noqa: ANN401  # whatever a command answers
        """The answer of a command of `tsuzuku` that takes --json. Raises Failed if it gives none."""
        command = [sys.executable, "-m", "tsuzuku.project.cli", *words, "--json"]
        ran = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        try:
            return json.loads(ran.stdout)
        except ValueError:
            raise Failed(f"tsuzuku {words[0]} did not answer: {ran.stderr.strip()}") from None

    def stop(self) -> None:
        """Asks everything to stop and waits for it; the database stays until `release`. Raises Failed."""
        supervisor = self._supervisor
        if supervisor is None or supervisor.poll() is not None:
            return
        supervisor.send_signal(signal.SIGTERM)
        try:
            supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(supervisor.pid, signal.SIGKILL)
            supervisor.wait()
            raise Failed("the installation did not stop when it was asked to") from None

    def release(self) -> None:
        """Lets go of the database, which then stops."""
        if self._server is not None:
            postgres.release(self._server)
            self._server = None

    def keep(self) -> None:
        """Saves the files from the next run, which deletes what killed runs have left."""
        (self.home / _KEEP_FILE).touch()

    def delete(self) -> None:
        """Deletes all files."""
        postgres.destroy(self.home)
        shutil.rmtree(self.home, ignore_errors=True)


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens at."""
    with socket.socket() as first, socket.socket() as second:
        first.bind((HOST, 0))
        second.bind((HOST, 0))
        return first.getsockname()[1], second.getsockname()[1]


def _locked(home: Path) -> IO[str] | None:
    """The home's lock, held until it is closed; None if another run holds it."""
    lock = (home / _LOCK_FILE).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _delete_homes_of_killed_runs() -> None:
    """A killed run leaves its database behind. Homes of other users, and of other runs that live, are left alone."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK_FILE}"):
        home = left.parent
        with suppress(postgres.PostgresFailed, OSError):
            if (home / _KEEP_FILE).exists() or (lock := _locked(home)) is None:
                continue
            with lock:
                postgres.destroy(home)
                shutil.rmtree(home)


def _run() -> None:
    from tsuzuku.project.commands.serve import prepare
    from tsuzuku.project.database import database
    from tsuzuku.project.environment import env_bool, env_int, home
    from tsuzuku.project.simulators import SIMULATORS
    from tsuzuku.project.supervisor import supervise

    web_port = env_int(_WEB_PORT, 0)
    sandboxes = [
        programs.tsuzuku("carrier", "carrier-sandbox", "--mode", "later", "--delay", CARRIER_DELAY_SECONDS),
        programs.tsuzuku(
            "pay",
            "simulator",
            *SIMULATORS,
            "--webhook",
            f"{programs.local_url(HOST, web_port)}/inbound/payments/{{name}}",
        ),
    ]
    with database() as server:
        prepare()
        _fill(cards=env_int(_CARDS, 0))
        supervise(
            [
                *(sandboxes if env_bool(_HAS_SANDBOXES, default=True) else []),
                programs.web(host=HOST, port=web_port),
                programs.worker(),
            ],
            home=home(),
            server=server,
            on_ready=(home() / _READY_FILE).touch,
        )


def _fill(*, cards: int) -> None:
    """Plans, and cards from a stock file."""
    from importlib import resources

    from django.db import connections

    from tsuzuku.cards.actions import import_cards
    from tsuzuku.catalog.actions import import_plans
    from tsuzuku.catalog.plan_file import parse_plans
    from tsuzuku.kernel import clock

    plans = resources.files("tsuzuku.testing").joinpath("data/plans.json").read_bytes()
    import_plans(parsed=parse_plans(plans, known_codes=()), now=clock.now())
    lines = ["ICCID,Type,PIN", *("{},SIM,{}".format(*card_and_pin(number)) for number in range(cards))]
    file = BytesIO("\n".join(lines).encode())
    stock = import_cards(file=file, carrier="sandbox", update=False, now=clock.now())
    if stock.accepted != cards:
        raise Failed(f"only {stock.accepted} of {cards} cards were accepted: {stock.refused}")
    connections.close_all()


if __name__ == "__main__":
    _run()
