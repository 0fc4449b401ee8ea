# SPDX-License-Identifier: Apache-2.0
"""The load test: many partners renew while processes are killed, and afterwards every yen is where they were told.

`python -m tests.faults.partners --clients N [--kills K] [--seed S]`, or `make load CLIENTS=1000`. An installation as
`tsuzuku serve` runs it, with a carrier that confirms at once, on the embedded PostgreSQL with fsync on. Each client
calls the partner API over a connection of its own: single renewals, the same one twice at once on two connections,
batches with lines twice and lines that cannot be read, keys of before again, and with another plan. Clients hang up,
lose patience, and send again with the same key until they are answered. Meanwhile web processes, the worker,
connections of PostgreSQL and PostgreSQL itself are killed with SIGKILL, and one partner's account is topped up, each
time twice under one reference. Another partner's account runs out of money.

Then everything is held against the clients' own log. Lost is:
- an answered renewal that does not exist, or is not what was asked and answered;
- a key that was renewed and then refused, or that was never answered at all, however long its client tried;
- a yen: an account whose row, postings, renewals and clients' log do not agree, or that went past its limit.

Doubled is:
- a key with two renewals, or with two answers that differ, or that was refused and renewed;
- a number that was the answer to two keys, or a renewal that nobody asked for.
"""

import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import click
import psutil
import psycopg

from tests.faults.installation import Failed, Installation
from tests.faults.judge import Complaint
from tests.faults.mischief import Victim, find
from tests.faults.partners_clients import Account, Client, Crowd, Log, World
from tests.faults.partners_judge import AccountRow, PartnerEvidence, Row, judge_partners, read_wishes

#: Of ten clients, one spends from the account that runs out.
_POOR_EVERY = 10
#: Few enough that clients meet on them.
_CARDS_PER_CLIENT = 5
_RICH_BALANCE_MINOR, _POOR_BALANCE_MINOR, _POOR_LIMIT_MINOR = 10**12, 200_000, 100_000
_TOP_UP_MINOR = 123_457
#: Six kills; each round is shuffled anew.
_ROUND = (
    Victim.WEB,
    Victim.WEB_PROCESS,
    Victim.WEB_PROCESS,
    Victim.WORKER,
    Victim.POSTGRES,
    Victim.POSTGRES_BACKEND,
)
_IN_FLIGHT_MIN = 20
#: Before each kill, and at the end without any, in seconds.
_KILL_AFTER_SECONDS = (0.5, 4.0)
_CALM_SECONDS = 3.0
#: Each kill finds a system that has answered so often since the last, or waits so long for it.
_ANSWERS_MIN, _ANSWERS_SECONDS = 50, 60
_APPEARS_SECONDS = 120
_LANDING_SECONDS = 180
_SETTLING_SECONDS = 120

_UNSETTLED = "SELECT count(*) FROM journal_delivery"
_ROWS = """
    SELECT r.actor, r.key, c.iccid, p.code, o.number, o.amount_minor
      FROM renewals_renewal AS r
      JOIN orders_order AS o ON o.id = r.order_id
      JOIN cards_card AS c ON c.id = r.card_id
      JOIN catalog_plan AS p ON p.id = r.plan_id
     WHERE r.state = 'active' AND o.state = 'paid'
"""
_UNENDED = "SELECT count(*) FROM renewals_renewal WHERE state <> 'active'"
_ACCOUNTS = """
    SELECT account.code, spending.balance_minor, spending.credit_limit_minor,
           (SELECT coalesce(sum(CASE account.id WHEN credit_id THEN amount_minor ELSE -amount_minor END), 0)
              FROM payments_posting WHERE account.id IN (debit_id, credit_id))::bigint
      FROM payments_spendingaccount AS spending JOIN payments_account AS account ON account.id = spending.account_id
"""


@click.command()
@click.option("--clients", type=click.IntRange(_IN_FLIGHT_MIN), default=1000, show_default=True, help="How many.")
@click.option("--kills", type=click.IntRange(0), default=24, show_default=True, help="How many processes to kill.")
@click.option("--seed", help="Makes the choices of an earlier run again.")
@click.option("--keep", is_flag=True, help="Keep the files even if nothing is wrong.")
def main(clients: int, kills: int, seed: str | None, keep: bool) -> None:
    """Kills processes under the load of many partners and judges by their log; exit code 1 if anything is wrong."""
    # So that everything is stopped whoever ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = seed or f"{random.SystemRandom().randrange(1_000_000):06d}"
    installation = Installation(cards=clients * _CARDS_PER_CLIENT, has_sandboxes=False)
    is_clean = False
    try:
        click.echo(f"load: {clients} clients, {kills} kills, seed {seed}, in {installation.home}")
        is_clean = _Run(installation, clients=clients, seed=seed).run(kills)
    except Failed as problem:
        click.echo(f"load: {problem}", err=True)
    finally:
        installation.stop()
        installation.release()
        if is_clean and not keep:
            installation.delete()
        else:
            installation.keep()
            click.echo(f"load: the files are in {installation.home}", err=True)
    sys.exit(0 if is_clean else 1)


class _Run:
    """One run of it."""

    def __init__(self, installation: Installation, *, clients: int, seed: str) -> None:
        self._installation = installation
        self._clients = clients
        self._rng = random.Random(f"{seed}/kills")
        self._seed = seed
        self._began = time.monotonic()
        #: What was paid into each account, by its partner's actor.
        self._paid_in: Counter[str] = Counter()
        self._killed: Counter[Victim] = Counter()

    def run(self, kills: int) -> bool:
        """All of it; whether nothing was wrong. Raises Failed."""
        installation = self._installation
        installation.start()
        rich = self._partner("rich", balance_minor=_RICH_BALANCE_MINOR, credit_limit_minor=0)
        poor = self._partner("poor", balance_minor=_POOR_BALANCE_MINOR, credit_limit_minor=_POOR_LIMIT_MINOR)
        address = urlsplit(installation.url)
        log = installation.home / "partners.jsonl"
        world = World(str(address.hostname), address.port or 80, installation.cards, Log(log))
        crowd = Crowd(
            world,
            [
                Client(
                    index,
                    account=rich if index % _POOR_EVERY else poor,
                    world=world,
                    rng=random.Random(f"{self._seed}/client/{index}"),
                )
                for index in range(self._clients)
            ],
        )
        self._say("everything answers; the clients begin")
        crowd.thread.start()
        top_ups = threading.Thread(target=self._top_up, args=(rich, world.closing), name="top-ups", daemon=True)
        top_ups.start()
        for number in range(kills):
            self._kill(number, kills, world, crowd)
        time.sleep(_CALM_SECONDS)
        world.patience_ends_at = time.monotonic() + _LANDING_SECONDS
        world.closing.set()
        self._say(f"landing: {world.in_flight} in flight")
        crowd.thread.join()
        top_ups.join()
        self._say("everybody was answered; settling")
        crowd.check()
        world.log.close()
        self._settle()
        self._say("judging")
        evidence = PartnerEvidence(
            wishes=read_wishes(log),
            rows=[Row(*row) for row in installation.rows(_ROWS)],
            accounts=[
                AccountRow(actor, balance, posted, self._paid_in[actor], limit)
                for actor, balance, limit, posted in installation.rows(_ACCOUNTS)
            ],
        )
        ((unended,),) = installation.rows(_UNENDED)
        findings = installation.audit()["findings"]
        return self._report(evidence, judge_partners(evidence), findings, unended=unended, world=world)

    def _partner(self, name: str, *, balance_minor: int, credit_limit_minor: int) -> Account:
        figures = ["--balance-minor", str(balance_minor), "--credit-limit-minor", str(credit_limit_minor)]
        made = self._installation.ask("partner", "create", name, "--all-cards", *figures)
        key = self._installation.ask("api-key", "create", "--partner", name, "--scope", "renewals:write")
        account = Account(f"partner:{made['id']}", key["key"])
        self._paid_in[account.actor] = balance_minor
        return account

    def _top_up(self, account: Account, closing: threading.Event) -> None:
        """Pays in, each time twice under one reference, as often as is done before the clients stop."""
        number = 0
        while not closing.wait(5):
            number += 1
            words = ["top-up", "rich", str(_TOP_UP_MINOR), "--reference", f"transfer {number}"]
            for _ in range(2):
                while True:
                    try:
                        self._installation.ask("partner", *words)
                        break
                    except Failed:
                        time.sleep(0.5)  # PostgreSQL has just been killed; the reference makes it safe to repeat.
            self._paid_in[account.actor] += _TOP_UP_MINOR

    def _kill(self, number: int, kills: int, world: World, crowd: Crowd) -> None:
        if number % len(_ROUND) == 0:
            self._chosen = self._rng.sample(_ROUND, len(_ROUND))
        victim = self._chosen[number % len(_ROUND)]
        enough = world.seen["renewals answered"] + _ANSWERS_MIN
        until = time.monotonic() + _ANSWERS_SECONDS
        while world.seen["renewals answered"] < enough and time.monotonic() < until:
            crowd.check()
            time.sleep(0.02)
        time.sleep(self._rng.uniform(*_KILL_AFTER_SECONDS))
        until = time.monotonic() + _APPEARS_SECONDS
        while time.monotonic() < until:
            crowd.check()
            with suppress(psutil.NoSuchProcess):
                process = find(victim, self._installation, self._rng)
                in_flight = world.in_flight
                if process is not None and in_flight >= _IN_FLIGHT_MIN:
                    process.kill()
                    self._killed[victim] += 1
                    self._say(
                        f"kill {number + 1}/{kills}: {victim:<16}  in flight {in_flight}, "
                        f"answered {world.seen['renewals answered']}"
                    )
                    return
            time.sleep(0.02)
        raise Failed(f"{victim} was not there to be killed for {_APPEARS_SECONDS} seconds")

    def _settle(self) -> None:
        """Waits until nothing is left to be told."""
        until = time.monotonic() + _SETTLING_SECONDS
        while time.monotonic() < until:
            with suppress(psycopg.OperationalError):
                if self._installation.rows(_UNSETTLED) == [(0,)]:
                    return
            time.sleep(0.5)
        click.echo(f"load: not settled within {_SETTLING_SECONDS} seconds", err=True)

    def _report(
        self,
        evidence: PartnerEvidence,
        complaints: list[Complaint],
        findings: list[dict[str, str]],
        *,
        unended: int,
        world: World,
    ) -> bool:
        """Prints the figures; whether nothing is wrong."""
        renewed = sum(bool(wish.renewed) for wish in evidence.wishes)
        click.echo(f"kills             {self._killed.total()}: {_listed(self._killed)}")
        click.echo(f"clients saw       {_listed(world.seen)}")
        click.echo(f"keys              {len(evidence.wishes)}, renewed {renewed}; {len(evidence.rows)} renewals exist")
        for account in evidence.accounts:
            click.echo(
                f"account           {account.actor}: paid in {account.paid_in_minor}, holds {account.balance_minor}"
            )
        click.echo(f"seconds           {time.monotonic() - self._began:.0f}")
        for complaint in complaints:
            click.echo(f"{complaint.kind}: {complaint.subject}: {complaint.why}")
        for finding in findings:
            click.echo(f"audit: {finding['code']}: {finding['subject']}: {finding['detail']}")
        if unended:
            click.echo(f"lost: {unended} renewals are not active, with a carrier that confirms at once")
        kinds = Counter(complaint.kind for complaint in complaints)
        audit = f"audit {len(findings)} findings" if findings else "audit clean"
        click.echo(f"lost {kinds['lost'] + unended}, doubled {kinds['doubled']}, {audit}")
        return not complaints and not findings and not unended

    def _say(self, text: str) -> None:
        click.echo(f"{time.monotonic() - self._began:6.1f} s  {text}")


def _listed(counts: "Counter[Victim] | Counter[str]") -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    main()
