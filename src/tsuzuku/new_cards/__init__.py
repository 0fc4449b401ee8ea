# SPDX-License-Identifier: Apache-2.0
"""New cards: eSIMs and SIM cards on the shelf, and what an order for one with its first plan puts aside and delivers.

The money is the order's, the plan is a renewal like any other; this room only knows which card goes with them.
"""
