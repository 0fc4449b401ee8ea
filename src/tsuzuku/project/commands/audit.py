# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku audit`: proves on the live database that money, orders, renewals and lots add up."""

import json
import sys
from dataclasses import asdict

import click


@click.command(name="audit", short_help="Prove that money, orders, renewals and lots add up.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(as_json: bool) -> None:
    """Reads the whole database and prints what does not add up. Exit code 1 if there is anything."""
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.project.audit import audit

        found = audit()
    if as_json:
        click.echo(json.dumps({"clean": not found, "findings": [asdict(each) for each in found]}))
    else:
        for each in found:
            click.echo(f"{each.code}: {each.subject}: {each.detail}")
        click.echo(f"audit: {len(found)} findings" if found else "audit clean")
    sys.exit(1 if found else 0)
