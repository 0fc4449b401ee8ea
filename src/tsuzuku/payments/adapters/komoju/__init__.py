# SPDX-License-Identifier: Apache-2.0
"""KOMOJU: cash at 7-Eleven, which no other provider here offers.

API version: v1, described at https://doc.komoju.com/. Checked: 2026-11-21, against `tsuzuku.testing.simulators.komoju`.

A Session is what we start, and our payment's reference; on its page the payer chooses a store. The Payment that it then
makes is a slip (`authorized`) until somebody has paid it (`captured`), and is our capture's reference; it names its
session. Cash goes back by bank transfer alone, to an account that only the payer knows: a refund of ours is written
into the payment's metadata, a person makes it in KOMOJU's dashboard, and KOMOJU tells what became of it.
"""

from tsuzuku.payments.adapters.komoju.adapter import KomojuProvider
from tsuzuku.payments.adapters.komoju.config import RealAccount, SimulatedAccount

__all__ = ["KomojuProvider", "RealAccount", "SimulatedAccount"]
