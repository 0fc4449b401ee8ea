# SPDX-License-Identifier: Apache-2.0
"""The sandbox carrier: our own simulator, `tsuzuku carrier-sandbox`.

API version: 1, as described in `tsuzuku.testing.simulators.carrier`. Checked: 2026-11-21, against that process.
"""

from tsuzuku.carriers.adapters.sandbox.adapter import SandboxCarrier

__all__ = ["SandboxCarrier"]
