# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku doctor`: what a machine lacks."""

import sys

import click


@click.command(name="doctor", short_help="Tell what this machine lacks.")
def command() -> None:
    """Looks at what Tsuzuku needs of a machine; exit code 1 if something needed is missing."""
    from tsuzuku.project import doctor

    findings = doctor.examine()
    for finding in findings:
        if finding.is_fine:
            mark = click.style("ok     ", fg="green")
        else:
            mark = click.style("missing", fg="red") if finding.is_needed else click.style("advice ", fg="yellow")
        click.echo(f"{mark}  {finding.subject}: {finding.text}")
        if finding.advice and not finding.is_fine:
            click.echo(f"         {finding.advice}")
    if any(finding.is_needed and not finding.is_fine for finding in findings):
        sys.exit(1)
