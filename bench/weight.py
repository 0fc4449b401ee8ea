# SPDX-License-Identifier: Apache-2.0
"""What a renewal on a phone weighs, as the journey's own test counts it in Chromium."""

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.line import Line, say
from tests.faults.installation import Failed

_ROOT = Path(__file__).resolve().parents[1]


def page_weight() -> Line:
    """The whole journey's bytes; the first page's are said on the way. Raises Failed without figures."""
    with tempfile.TemporaryDirectory(prefix="tsuzuku-bench-") as folder:
        report = Path(folder) / "report.xml"
        # The other family of reports has no place for what a test counted.
        options = ["-q", "--override-ini=junit_family=xunit1", f"--junitxml={report}"]
        words = ["-m", "pytest", *options, "tests/journeys/test_weight.py"]
        ran = subprocess.run([sys.executable, *words], cwd=_ROOT, capture_output=True, text=True, check=False)
        found: dict[str, int] = {}
        if report.exists():
            tree = ET.parse(report)
            found = {each.attrib["name"]: int(each.attrib["value"]) for each in tree.iter("property")}
    if not {"first_page_bytes", "journey_bytes"} <= found.keys():
        raise Failed(f"the journey was not weighed: {ran.stdout.strip()[-2000:]}")
    say(f"page_weight: the first page {found['first_page_bytes']:,} bytes, all {found['journey_bytes']:,} bytes")
    return Line(bench="page_weight", ours=found["journey_bytes"], yardstick=None, unit="bytes")
