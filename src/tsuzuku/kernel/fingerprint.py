# SPDX-License-Identifier: Apache-2.0
"""A digest of a command's inputs, by which a repeated key is told from a reused one."""

import hashlib
import json


def fingerprint(**inputs: object) -> str:
    """SHA-256 in hex over the inputs as canonical JSON: the same inputs in any order give the same digest."""
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()
