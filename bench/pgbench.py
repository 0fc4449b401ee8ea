# SPDX-License-Identifier: Apache-2.0
"""The yardstick of a renewal: what a careful plain program does, one transaction each, run by pgbench.

bench-schema.sql and bench-renewal.sql are fixed; nothing in them may be tuned.
"""

import re
import subprocess
from pathlib import Path

from bench.ground import Ground
from tests.faults.installation import Failed

#: Of these, the best counts.
CLIENTS = (2, 4, 8, 16)
_SCHEMA = Path(__file__).with_name("bench-schema.sql")
_RENEWAL = Path(__file__).with_name("bench-renewal.sql")


def prepare(ground: Ground) -> None:
    """Makes the yardstick's own tables anew, in the same database."""
    with ground.database() as connection:
        connection.execute(_SCHEMA.read_bytes())
        connection.execute("RESET search_path")


def renewals_per_second(ground: Ground, *, clients: int, seconds: float) -> float:
    """One run. Raises Failed if it broke.

    Two transactions that draw the same card lock each other out now and then; pgbench does not count the one that lost.
    """
    server = ground.installation.server
    words = ["--no-vacuum", "--protocol=prepared", "--jobs=2", f"--time={round(seconds)}", f"--client={clients}"]
    command = [str(server.bin / "pgbench"), *words, f"--file={_RENEWAL}", server.url]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([0-9.]+)", ran.stdout, re.MULTILINE)
    if ran.returncode or rate is None:
        raise Failed(f"pgbench failed: {ran.stdout.strip()} {ran.stderr.strip()}")
    return float(rate[1])
