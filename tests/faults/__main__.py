# SPDX-License-Identifier: Apache-2.0
"""The fault test: renewals go on while processes are killed, and afterwards nothing is lost and nothing is doubled.

`python -m tests.faults --kills N [--seed S]`, or `make faults N=300`. An installation as `tsuzuku serve` runs it, with
a sandbox carrier that is asked for each activation, a sandbox provider and the simulators of all others, all under our
own supervisor, on the embedded PostgreSQL with fsync on. Clients renew cards through the website and pay at the sandbox
in every way that its page knows, or by any other method where its provider is played; they press again when nobody
answers, and write down what they were given. Meanwhile processes are killed with
SIGKILL at random moments, each with at least 20 renewals in flight, and the sandboxes answer slowly, wrongly or not at
all. Then everything settles, and the clients' logs are held against the carrier's and the provider's files.

In flight is a renewal from the first press on "confirm" until its client has seen how it ended: active, refused with
the money back, held for a person, or cancelled with the money back.

Lost is:
- an order whose number a client was given and which does not exist;
- a renewal that a client was shown as active and that is not in the carrier's history, or is not active here any more;
- a renewal that is active here and not in the carrier's history;
- money that the provider took and that is neither the payment of an active renewal, nor went back, nor is held;
- a payment that the provider said it took and that is not in its file;
- a renewal whose end its client never saw, however long it was waited for.

Doubled is:
- a reference, or a card with a plan (a card takes each plan once in a run), that is in the carrier's history twice;
- an activation in the carrier's history without an active renewal, or whose client was not shown it as active;
- an active renewal for which more than one payment was kept, or none;
- a payment that went back twice;
- one confirmation, however often pressed, that made two orders.

A seed makes all choices again: who is killed after how long, what each client does, how the sandboxes misbehave. What
comes of them depends on the machine's timing.

What each provider holds in the end by its own books must be what our ledger says that it holds, to the yen.
"""

import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import mean

import click
import httpx
import psycopg

from tests.faults.books import Taken, read_taken, unsettled
from tests.faults.browser import Patience
from tests.faults.errand import Flying, Moment, Shelf, World
from tests.faults.evidence import Capture, Evidence, Row, Saw, read_captures, read_credits, read_errands
from tests.faults.installation import Failed, Installation
from tests.faults.judge import Complaint, judge
from tests.faults.mischief import Pranks, Victim, kill, victims
from tests.faults.travellers import Traveller

IN_FLIGHT_MIN = 20
#: Each takes every plan once at most; about ten renewals end between two kills.
CARDS_MIN, CARDS_PER_KILL = 300, 5
#: Before each kill, in seconds.
_KILL_AFTER_SECONDS = (0.2, 6.0)
#: Of ten kills this many meet a system that answers again, the others one that may be down from the kill before.
_KILLS_OF_THE_WELL = 7
#: So many answers are signs of health; they are not waited for longer than this.
_ANSWERS_MIN, _ANSWERS_SECONDS = 8, 20
_FLIGHT_SECONDS = 180
#: A renewal whose worker was killed waits for the end of its lease, then for the last word of the carrier's history.
_LANDING_SECONDS = 300
_SETTLING_SECONDS = 180

#: What still has to happen by itself: facts to be told, activations, refunds, captures without an outcome.
_UNSETTLED = """
    SELECT (SELECT count(*) FROM journal_delivery)
         + (SELECT count(*) FROM renewals_renewal WHERE state IN ('activating', 'refused'))
         + (SELECT count(*) FROM renewals_renewal WHERE state = 'ordered' AND settled_at IS NOT NULL)
         + (SELECT count(*) FROM payments_refund WHERE state IN ('requested', 'sent'))
         + (SELECT count(*) FROM payments_capture WHERE outcome = 'undecided')
"""
_ROWS = """
    SELECT o.number, o.state, r.state, r.reference::text, o.amount_minor, r.unknown_outcomes, r.attempts
      FROM orders_order AS o JOIN renewals_renewal AS r ON r.order_id = o.id
"""
#: Of each capture, whose it is and for which order.
_ORDERS = """
    SELECT c.provider, c.reference, p.purpose
      FROM payments_capture AS c JOIN payments_payment AS p ON p.id = c.payment_id
"""
#: What each provider holds for us.
_LEDGER = """
    SELECT substr(a.code, 10), sum(CASE WHEN p.debit_id = a.id THEN p.amount_minor ELSE -p.amount_minor END)
      FROM payments_account AS a JOIN payments_posting AS p ON a.id IN (p.debit_id, p.credit_id)
     WHERE a.code LIKE 'provider:%'
     GROUP BY a.code
"""
_HELD = "SELECT reference FROM payments_capture WHERE outcome = 'held'"


@dataclass
class Kills:
    """Who was killed, and what the clients were at each time."""

    victims: Counter[Victim] = field(default_factory=Counter)
    moments: list[Moment] = field(default_factory=list)


@click.command()
@click.option("--kills", type=click.IntRange(0), default=20, show_default=True, help="How many processes to kill.")
@click.option("--seed", help="Makes the choices of an earlier run again.")
@click.option("--travellers", type=click.IntRange(IN_FLIGHT_MIN), default=40, show_default=True, help="Clients.")
@click.option("--keep", is_flag=True, help="Keep the files even if nothing is wrong.")
def main(kills: int, seed: str | None, travellers: int, keep: bool) -> None:
    """Kills processes under a running Tsuzuku and judges by what its clients were told; exit code 1 if it is wrong."""
    # So that everything is stopped whoever ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = seed or f"{random.SystemRandom().randrange(1_000_000):06d}"
    began = time.monotonic()
    installation = Installation(cards=CARDS_MIN + CARDS_PER_KILL * kills)
    is_clean = False
    try:
        click.echo(f"faults: {kills} kills, {travellers} clients, seed {seed}, in {installation.home}")
        is_clean = _run(installation, kills=kills, travellers=travellers, seed=seed, began=began)
    except Failed as problem:
        click.echo(f"faults: {problem}", err=True)
    finally:
        installation.stop()
        installation.release()
        if is_clean and not keep:
            installation.delete()
        else:
            installation.keep()
            click.echo(f"faults: the files are in {installation.home}", err=True)
    sys.exit(0 if is_clean else 1)


def _run(installation: Installation, *, kills: int, travellers: int, seed: str, began: float) -> bool:
    """All of it; whether nothing was wrong. Raises Failed."""
    installation.start()
    logs = installation.home / "clients"
    logs.mkdir()
    world = World(installation, Flying(), Shelf(), Patience())
    closing = threading.Event()
    clients = [Traveller(index, seed=seed, world=world, logs=logs, closing=closing) for index in range(travellers)]
    pranks = Pranks(installation, rng=random.Random(f"{seed}/pranks"))
    _say(began, "everything answers; the clients begin")
    for client in clients:
        client.thread.start()
    pranks.thread.start()
    killed = _kill_all(installation, kills, clients=clients, flying=world.flying, seed=seed, began=began)
    closing.set()
    pranks.stop()
    world.patience.ends_in(_LANDING_SECONDS)
    _land(installation, clients, flying=world.flying, began=began)
    _settle(installation, began=began)
    others = [
        taken for provider in installation.others() for taken in read_taken(provider, installation.books_of(provider))
    ]
    installation.stop()
    order_of = {(provider, reference): order for provider, reference, order in installation.rows(_ORDERS)}
    evidence = Evidence(
        errands=read_errands(logs),
        credits=read_credits(installation.folder("carrier-sandbox") / "history.jsonl"),
        captures=[
            *read_captures(installation.folder("payment-sandbox") / "books.jsonl"),
            *(
                Capture(each.id, "", order_of.get((each.provider, each.id), ""), each.amount_minor, each.refunds)
                for each in others
            ),
        ],
        rows=[Row(*row) for row in installation.rows(_ROWS)],
        held_captures=frozenset(reference for (reference,) in installation.rows(_HELD)),
        books=_sums(others),
        ledger={provider: int(amount) for provider, amount in installation.rows(_LEDGER) if provider != "sandbox"},
    )
    # The last one out stopped the database; the audit starts it once more.
    installation.release()
    findings = installation.audit()["findings"]
    return _report(evidence, judge(evidence), findings, killed=killed, pranks=pranks, began=began)


def _kill_all(
    installation: Installation, kills: int, *, clients: list[Traveller], flying: Flying, seed: str, began: float
) -> Kills:
    rng = random.Random(f"{seed}/kills")
    killed = Kills()
    chosen = victims(rng)
    for number in range(1, kills + 1):
        if rng.randrange(10) < _KILLS_OF_THE_WELL:
            _wait_for_answers(flying)
        time.sleep(rng.uniform(*_KILL_AFTER_SECONDS))
        _wait_for_flight(flying, clients)
        victim = next(chosen)
        moment = kill(
            victim,
            installation=installation,
            flying=flying,
            in_flight_min=IN_FLIGHT_MIN,
            seed=f"{seed}/kill/{number}",
        )
        killed.victims[victim] += 1
        killed.moments.append(moment)
        _say(
            began,
            f"kill {number}/{kills}: {victim:<16}  in flight {moment.in_flight} ({moment.paid} paid), "
            f"ended {moment.ended}",
        )
    return killed


def _wait_for_answers(flying: Flying) -> None:
    until = time.monotonic() + _ANSWERS_SECONDS
    enough = flying.now().answers + _ANSWERS_MIN
    while flying.now().answers < enough and time.monotonic() < until:
        time.sleep(0.02)


def _wait_for_flight(flying: Flying, clients: list[Traveller]) -> None:
    until = time.monotonic() + _FLIGHT_SECONDS
    while (in_flight := flying.now().in_flight) < IN_FLIGHT_MIN:
        _check(clients)
        if time.monotonic() > until:
            raise Failed(f"{in_flight} renewals in flight; {IN_FLIGHT_MIN} are needed and did not come")
        time.sleep(0.02)


def _check(clients: list[Traveller]) -> None:
    """Raises Failed if a client could not make sense of what it saw."""
    for client in clients:
        if client.problem is not None:
            raise Failed(f"{client.thread.name}: {client.problem!r}") from client.problem


def _land(installation: Installation, clients: list[Traveller], *, flying: Flying, began: float) -> None:
    """Waits until each client has seen the end of its last renewal, or its patience has ended."""
    said = 0.0
    while any(client.thread.is_alive() for client in clients):
        _check(clients)
        if time.monotonic() > said + 5:
            said = time.monotonic()
            _say(began, f"landing: {flying.now().in_flight} in flight")
            installation.make_refunds_by_hand()
        time.sleep(0.2)
    _check(clients)


def _settle(installation: Installation, *, began: float) -> None:
    """Waits until nothing is left to be done by itself, neither here nor by the provider."""
    until = time.monotonic() + _SETTLING_SECONDS
    while waiting := _unsettled(installation):
        if time.monotonic() > until:
            click.echo(f"faults: {waiting} have not settled within {_SETTLING_SECONDS} seconds", err=True)
            return
        _say(began, f"settling: {waiting} left to do")
        installation.make_refunds_by_hand()
        time.sleep(2)


def _unsettled(installation: Installation) -> int:
    """How many things wait; not none while somebody cannot be asked."""
    url = f"{installation.sandbox('payment-sandbox')['url']}/audit"
    try:
        ((ours,),) = installation.rows(_UNSETTLED)
        answer = httpx.get(url, headers=installation.provider_headers(), timeout=5, trust_env=False)
        books: dict[str, list[dict[str, str]]] = answer.raise_for_status().json()
        others = sum(unsettled(installation.books_of(provider)) for provider in installation.others())
    except (psycopg.OperationalError, httpx.HTTPError):
        return 1
    pending = sum(refund["status"] == "pending" for refund in books["refunds"]) + others
    slow = sum(payment["status"] == "processing" for payment in books["payments"])
    return int(ours) + len(books["owed_deliveries"]) + pending + slow


def _sums(taken: list[Taken]) -> dict[str, int]:
    """What each provider took and has not given back, by its own books."""
    sums: Counter[str] = Counter()
    for each in taken:
        sums[each.provider] += each.amount_minor - each.returned_minor
    return dict(sums)


def _report(
    evidence: Evidence,
    complaints: list[Complaint],
    findings: list[dict[str, str]],
    *,
    killed: Kills,
    pranks: Pranks,
    began: float,
) -> bool:
    """Prints the figures; whether nothing is wrong."""
    ends = Counter(_end(errand.saw) for errand in evidence.errands)
    unknown = sum(row.unknown_outcomes for row in evidence.rows)
    resolved = sum(row.unknown_outcomes for row in evidence.rows if row.state in {"active", "withdrawn"})
    tried_again = sum(row.attempts > 1 and not row.unknown_outcomes for row in evidence.rows)
    refunds = sum(capture.refunds for capture in evidence.captures)
    click.echo(f"kills              {sum(killed.victims.values())}: {_listed(killed.victims)}")
    if in_flight := [moment.in_flight for moment in killed.moments]:
        paid = mean(moment.paid for moment in killed.moments)
        click.echo(
            f"in flight at kill  at least {min(in_flight)}, {mean(in_flight):.1f} on average, {paid:.1f} of them paid"
        )
    click.echo(f"sandbox faults     {sum(pranks.played.values())}: {_listed(pranks.played)}")
    click.echo(f"renewals answered  {len(evidence.errands)}: {_listed(ends)}")
    click.echo(f"carrier credited   {len(evidence.credits)}")
    click.echo(f"outcomes unknown   {unknown}, resolved {resolved}; {tried_again} more renewals were taken up again")
    click.echo(f"kept by providers  {_listed(dict(evidence.books))} (yen, as their own books say)")
    click.echo(f"payments taken     {len(evidence.captures)}, refunds {refunds}, held {len(evidence.held_captures)}")
    click.echo(f"seconds            {time.monotonic() - began:.0f}")
    for complaint in complaints:
        click.echo(f"{complaint.kind}: {complaint.subject}: {complaint.why}")
    for finding in findings:
        click.echo(f"audit: {finding['code']}: {finding['subject']}: {finding['detail']}")
    kinds = Counter(complaint.kind for complaint in complaints)
    audit = f"audit {len(findings)} findings" if findings else "audit clean"
    click.echo(f"lost {kinds['lost']}, doubled {kinds['doubled']}, {audit}")
    return not complaints and not findings


def _end(saw: set[Saw]) -> str:
    for end in (Saw.ACTIVE, Saw.HELD, Saw.TURNED_AWAY):
        if end in saw:
            return end
    if Saw.REFUNDED in saw:
        return "cancelled and refunded" if Saw.CANCELLED in saw else "refused and refunded"
    return "never ended"


def _listed(counts: "Counter[Victim] | Counter[str] | dict[str, int]") -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _say(began: float, text: str) -> None:
    click.echo(f"{time.monotonic() - began:6.1f} s  {text}")


if __name__ == "__main__":
    main()
