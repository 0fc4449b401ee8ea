# SPDX-License-Identifier: Apache-2.0
"""An installation as an outsider starts it: only by the commands of docs/contracts/partner-api.md."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.project.environment import env_text
from tsuzuku.testing.certificates import Authority

START_SECONDS = 90
SCOPES = ("cards:read", "renewals:read", "renewals:write", "usage:write", "account:read")
#: What the partner `acme` begins with, and what it may owe.
BALANCE, CREDIT_LIMIT = 100_000_000, 5_000
#: Cards of everybody, then those of the group `fleet`.
CARDS, FLEET_CARDS = 1000, 20
_CLI = (sys.executable, "-m", "tsuzuku.project.cli")
_COMMANDS = """
import json, sys
from click.testing import CliRunner
from tsuzuku.project.cli import tsuzuku
ran = [CliRunner().invoke(tsuzuku, words) for words in json.loads(sys.argv[1])]
assert all(each.exit_code == 0 for each in ran), [(each.output, each.exception) for each in ran]
json.dump([each.stdout for each in ran], sys.stdout)
"""
#: Beside those that come with the product: one for a group of cards, one that fills a card, one that waits for a tap.
_PLANS: Sequence[Mapping[str, Any]] = (
    {"code": "FLEET-1", "name": {"en": "Fleet"}, "data_bytes": 10**9, "days": 7, "price_minor": 100, "currency": "JPY",
     "stacking": "separate", "card_groups": ["fleet"]},
    {"code": "ONE", "name": {"en": "One"}, "data_bytes": 10**9, "days": 7, "price_minor": 100, "currency": "JPY",
     "stacking": "separate", "max_stack": 1, "prices": [{"channel": "partner_api", "price_minor": 90}]},
)  # fmt: skip


def iccid(number: int) -> str:
    """The n-th card's number, made up."""
    body = f"898110202690{number:06d}"
    return body + luhn_digit(body)


class Served:
    """A served installation, from outside."""

    def __init__(self, home: Path, *, server: str, database: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.base = f"http://{self.address}/api/v1"
        self.home = home
        self._server, self._database = server, database
        self.authority = Authority(home)
        self.environment = {
            **os.environ,
            "TSUZUKU_HOME": str(home),
            "TSUZUKU_DATABASE_URL": psycopg.conninfo.make_conninfo(server, dbname=database),
            # So that webhooks reach a receiver on this machine, whose certificate is trusted.
            "TSUZUKU_WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8",
            "SSL_CERT_FILE": str(self.authority.bundle),
        }
        self._cards = count()
        self._fleet_cards = count(CARDS)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.keys: dict[str, str] = {}

    def tsuzuku(self, *words: str) -> str:
        """Runs a command and returns what it printed."""
        ran = subprocess.run([*_CLI, *words], env=self.environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def prepare(self) -> None:
        """Plans, cards, two partners and their keys."""
        plans = json.loads(resources.files("tsuzuku.testing").joinpath("data/plans.json").read_bytes())
        (self.home / "plans.json").write_text(json.dumps({"plans": [*plans["plans"], *_PLANS]}))
        stock = [f"{iccid(number)},SIM,1234,,2099/12/31" for number in range(CARDS - 1)]
        stock.append(f"{iccid(CARDS - 1)},eSIM,1234,,2020/01/31")
        stock += [f"{iccid(CARDS + number)},SIM,1234,fleet,2099/12/31" for number in range(FLEET_CARDS)]
        (self.home / "cards.csv").write_text("\n".join(["ICCID,Type,PIN,Group,Expiry", *stock]))
        funds = ["--balance-minor", str(BALANCE), "--credit-limit-minor", str(CREDIT_LIMIT)]
        self._one_after_another(
            ["migrate"],
            ["import", "plans", str(self.home / "plans.json")],
            ["import", "cards", str(self.home / "cards.csv")],
            ["partner", "create", "acme", *funds, "--all-cards", "--json"],
            ["partner", "create", "fleet", "--balance-minor", "250", "--card-group", "fleet", "--json"],
        )
        every = [word for scope in SCOPES for word in ("--scope", scope)]
        created = self._one_after_another(
            ["api-key", "create", "--partner", "acme", *every, "--json"],
            ["api-key", "create", "--partner", "fleet", *every, "--json"],
            ["api-key", "create", "--partner", "acme", "--scope", "account:read", "--json"],
            ["api-key", "create", "--partner", "acme", *every, "--calls-per-second", "1", "--json"],
            ["api-key", "create", "--partner", "acme", *every, "--json"],
        )
        names = ("acme", "fleet", "account", "slow", "revoked")
        self.keys = {name: json.loads(printed)["key"] for name, printed in zip(names, created, strict=True)}
        self.revoked_id = str(json.loads(created[-1])["id"])

    def _one_after_another(self, *commands: Sequence[str]) -> list[str]:
        """Runs commands in one process, as most of what each costs is the start, and returns what they printed."""
        ran = subprocess.run(
            [sys.executable, "-c", _COMMANDS, json.dumps(commands)],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        printed: list[str] = json.loads(ran.stdout)
        return printed

    def start(self, *words: str) -> None:
        """Starts a command that runs until it is stopped."""
        log = (self.home / f"{words[0]}.log").open("wb")
        self._processes.append(
            subprocess.Popen([*_CLI, *words], env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        )
        log.close()

    def serve(self) -> None:
        """Web and worker; returns when they answer."""
        self.start("serve", "--bind", self.address, "--workers", "2")
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.base}/openapi.json", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"it did not start:\n{(self.home / 'serve.log').read_text()}")

    def stop(self) -> None:
        """Ends what was started, last first."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(60)

    def carrier(self, mode: str) -> None:
        """Has the carrier credit in this mode from now on."""
        self.tsuzuku("carrier-sandbox", "--mode", mode)

    def new_card(self) -> str:
        """The number of a card that no test has used."""
        return iccid(next(self._cards))

    def new_fleet_card(self) -> str:
        """The same of the group `fleet`."""
        return iccid(next(self._fleet_cards))

    def client(self, name: str = "acme") -> httpx.Client:
        """Calls with one of the keys."""
        return httpx.Client(
            base_url=self.base, headers={"Authorization": f"Bearer {self.keys[name]}"}, trust_env=False, timeout=60
        )

    def sql(self, statement: str) -> None:
        """What no command does: sets a card as the brand's console will."""
        with psycopg.connect(self.environment["TSUZUKU_DATABASE_URL"], autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """Every connection is cut and no other is let in while the block runs."""
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{self._database}" ALLOW_CONNECTIONS false'.encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._database]
            )
            try:
                yield
            finally:
                connection.execute(f'ALTER DATABASE "{self._database}" ALLOW_CONNECTIONS true'.encode())


@contextmanager
def serving(home: Path) -> Iterator[Served]:
    """A prepared installation that serves, with the carrier that confirms at once; on a database of its own."""
    server, name = env_text("TSUZUKU_DATABASE_URL"), f"tsuzuku_contract_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    served = Served(home, server=server, database=name)
    try:
        served.prepare()
        served.start("carrier-sandbox", "--mode", "instant")
        served.serve()
        yield served
    finally:
        served.stop()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
