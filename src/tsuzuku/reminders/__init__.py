# SPDX-License-Identifier: Apache-2.0
"""Who should hear what, and when: reminders before what a card has ends, and the links in them.

Owns what was told to whom, how they want to hear it, and their browsers that can be pushed to. What becomes of a
message is messaging's; what a card has, allowances'.
"""
