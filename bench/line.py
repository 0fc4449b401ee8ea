# SPDX-License-Identifier: Apache-2.0
"""What a benchmark prints: one line of JSON on stdout. Everything else that is said goes to stderr."""

import json
import sys
import time
from dataclasses import asdict, dataclass

_BEGAN = time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Line:
    """A benchmark's figures beside those of its yardstick; None where a field has no meaning."""

    bench: str
    ours: float
    yardstick: float | None
    unit: str
    p50_ms: float | None = None
    p99_ms: float | None = None

    def print(self) -> None:
        """Prints it."""
        ratio = None if self.yardstick is None else round(self.ours / self.yardstick, 3)
        fields = asdict(self)
        ordered = {"bench": fields.pop("bench"), "ours": _rounded(self.ours), "yardstick": _rounded(self.yardstick)}
        rest = {"ratio": ratio, "unit": self.unit, "p50_ms": _rounded(self.p50_ms), "p99_ms": _rounded(self.p99_ms)}
        sys.stdout.write(json.dumps(ordered | rest) + "\n")
        sys.stdout.flush()


def say(text: str) -> None:
    """Tells whoever watches how far it is."""
    sys.stderr.write(f"{time.monotonic() - _BEGAN:6.1f} s  {text}\n")
    sys.stderr.flush()


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 1)
