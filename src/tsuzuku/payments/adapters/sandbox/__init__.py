# SPDX-License-Identifier: Apache-2.0
"""The sandbox provider: our own simulator, `tsuzuku simulator sandbox`.

API version: 1, as described in `tsuzuku.testing.simulators.provider`. Checked: 2026-11-21, against that process.
"""

from tsuzuku.payments.adapters.sandbox.adapter import SandboxProvider

__all__ = ["SandboxProvider"]
