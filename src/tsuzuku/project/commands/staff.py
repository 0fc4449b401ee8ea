# SPDX-License-Identifier: Apache-2.0
"""What the commands share by which staff see to money: who does it, and what they are told of a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tsuzuku.kernel.money import Money

by = click.option(
    "--by",
    required=True,
    metavar="NAME",
    callback=lambda _context, _option, name: actor_named(name),
    help="Who you are.",
)
reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept.")
as_json = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")


def actor_named(name: str) -> str:
    """The actor of facts for somebody who runs commands."""
    if not name.strip():
        raise click.BadParameter("say who you are")
    return f"operator:{name.strip()}"


@contextmanager
def seeing_to_money() -> Iterator[None]:
    """The database, with what is refused said in English and in one line."""
    from tsuzuku.kernel.errors import DomainError
    from tsuzuku.project.database import database

    with database():
        from django.utils import translation

        from tsuzuku.orders.refusals import staff_refusal

        with translation.override("en"):
            try:
                yield
            except DomainError as refusal:
                raise click.ClickException(f"{refusal.code}: {staff_refusal(refusal)}") from refusal


def told(amount: "Money") -> str:
    """An amount as people read it."""
    from tsuzuku.look import formats

    return formats.money(amount)
