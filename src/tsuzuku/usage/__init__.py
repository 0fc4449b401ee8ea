# SPDX-License-Identifier: Apache-2.0
"""What carriers measured: readings turned into draws, kept for a while, rolled up per card and day.

It decides what a reading is and whether it came before; what it draws from which lot is decided by `allowances`.
"""
