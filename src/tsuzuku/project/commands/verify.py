# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku verify`: whether a receipt is genuine, by its text and the issuer's public keys alone."""

import sys
from pathlib import Path

import click


@click.command(name="verify", short_help="Tell whether a receipt is genuine, without network and database.")
@click.argument("text")
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The issuer's public keys, as its page /verify/keys.json gives them.",
)
def command(text: str, keys_file: Path) -> None:
    """Checks the signature of TEXT, which is what the QR of a receipt holds. Exit code 1 if it is not genuine."""
    from tsuzuku.receipts.errors import ReceiptNotGenuine
    from tsuzuku.receipts.signing import check_receipt, keys_in

    try:
        keys = keys_in(keys_file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--keys") from problem
    try:
        receipt = check_receipt(text, keys=keys)
    except ReceiptNotGenuine:
        click.echo("not genuine")
        sys.exit(1)
    click.echo("genuine")
    click.echo(f"number  {receipt.number}")
    click.echo(f"date    {receipt.sold_on.isoformat()}")
    click.echo(f"amount  {receipt.amount.amount_minor} {receipt.amount.currency}, tax in it {receipt.tax.amount_minor}")
    click.echo(f"issuer  {' '.join(filter(None, [receipt.issuer_name, receipt.tax_number, receipt.issuer_url]))}")
