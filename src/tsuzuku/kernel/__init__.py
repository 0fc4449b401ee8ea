# SPDX-License-Identifier: Apache-2.0
"""Words everybody shares: money, windows of time, the clock, the ICCID, errors and outcomes. Pure Python, no Django."""
