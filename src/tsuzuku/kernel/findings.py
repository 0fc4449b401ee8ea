# SPDX-License-Identifier: Apache-2.0
"""What an audit finds wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up: a stable code, what it is about, and the figures."""

    code: str
    subject: str
    detail: str
