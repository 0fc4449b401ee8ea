# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku demo`: everything on one machine, with a brand, customers, a carrier and a payment provider to try it on."""

import os
import shutil
import socket

import click

from tsuzuku.project import postgres, programs
from tsuzuku.project.commands.serve import prepare, refuse_occupied
from tsuzuku.project.database import DATABASE_VARIABLE, database
from tsuzuku.project.environment import env_text, home

#: Names a home as the demo's: --reset deletes no other.
_MARK = "demo"
_HOST = "127.0.0.1"


@click.command(name="demo", short_help="Run everything on this machine, with data to try it on.")
@click.option("--port", type=click.IntRange(1024, 65533), default=8000, show_default=True, help="The web pages' port.")
@click.option("--reset", is_flag=True, help="Start over: forget what was done in the demo before.")
@click.option("--code", is_flag=True, help="Print the second factor of the demo's staff for this half minute.")
def command(port: int, reset: bool, code: bool) -> None:
    """Starts database, web, worker, a sandbox carrier and simulators of the payment providers; Ctrl-C stops it all.

    A second run finds everything as it was left. Listens on this machine only.
    """
    os.environ.setdefault("TSUZUKU_HOME", f"{home()}-demo")
    if code:
        from tsuzuku.project.demo_factor import factor_code

        click.echo(factor_code())
        return
    if reset:
        _reset()
    refuse_occupied(_HOST, port)
    os.environ["TSUZUKU_DEMO"] = "on"
    os.environ["TSUZUKU_PUBLIC_URL"] = programs.local_url(_HOST, port)
    (home() / "run").mkdir(parents=True, exist_ok=True)
    (home() / _MARK).touch()
    click.echo(f"Starting the database in {home()} …")
    with database() as server:
        from tsuzuku.project.supervisor import supervise

        click.echo("Preparing tables and pages …")
        prepare()
        _fill()
        supervise(
            [
                programs.tsuzuku("carrier", "carrier-sandbox", "--mode", "later", "--delay", "3"),
                _simulators(port=port),
                programs.web(host=_HOST, port=port),
                programs.worker(),
            ],
            home=home(),
            server=server,
            on_ready=_welcome,
        )
    click.echo("Stopped. Everything is kept; the next start goes on from here.")


def _simulators(*, port: int) -> programs.Program:
    """Every payment provider of which nobody has set the key of a real account, in one process."""
    from tsuzuku.project.simulators import played_in_the_demo

    names = played_in_the_demo()
    bind = f"{_HOST}:{_free_ports(port + 1, len(names))}"
    webhook = f"{programs.local_url(_HOST, port)}/inbound/payments/{{name}}"
    return programs.tsuzuku("pay", "simulator", *names, "--bind", bind, "--webhook", webhook)


def _reset() -> None:
    if env_text(DATABASE_VARIABLE):
        raise click.ClickException(f"{DATABASE_VARIABLE} names a server of your own; empty it yourself.")
    folder = home()
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise click.ClickException(f"{folder} is not a demo's folder; nothing was deleted.")
    postgres.destroy(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _free_ports(first: int, count: int) -> int:
    """Where `count` ports in a row begin, from `first` on, that nobody listens on."""
    for port in range(first, min(first + 100, 65536 - count)):
        if all(_is_free(each) for each in range(port, port + count)):
            return port
    raise click.ClickException(f"no {count} free ports in a row from {first} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) != 0


def _fill() -> None:
    from tsuzuku.kernel import clock
    from tsuzuku.project.demo import demo_cards, is_made, make_demo

    if is_made():
        return
    with click.progressbar(length=len(demo_cards(clock.now().date())), label="Selling to the demo's customers") as bar:
        make_demo(on_progress=lambda _: bar.update(1))


def _welcome() -> None:
    from django.conf import settings

    from tsuzuku.kernel import clock
    from tsuzuku.project.demo import COUPON, CUSTOMERS, PASSWORD, PIN, STAFF, demo_cards, demo_iccid
    from tsuzuku.project.demo_factor import FACTOR_KEY

    lines = ["", f"Tsuzuku is ready: {settings.PUBLIC_URL}", f"  mail it sends:  {settings.PUBLIC_URL}/demo/mail", ""]
    lines += ["Log in:"]
    lines += [f"  {each.email:<18} password {PASSWORD}   ({each.display_name})" for each in CUSTOMERS]
    lines += ["", f"The console of the staff: {settings.PUBLIC_URL}/console/   (password {PASSWORD})"]
    lines += [f"  {email:<20} {role}" for email, _name, role in STAFF]
    lines += [f"  second factor: `tsuzuku demo --code`, or an app for codes with the key {FACTOR_KEY}"]
    lines += ["", f"Or renew without an account, by card number and PIN {PIN}:"]
    lines += [
        f"  {demo_iccid(number)}  {card.shows}" for number, card in enumerate(demo_cards(clock.now().date()), start=1)
    ]
    lines += ["", f"Code for ¥100 off, from ¥500 on: {COUPON}"]
    click.echo("\n".join([*lines, "", "Ctrl-C stops everything.", ""]))
