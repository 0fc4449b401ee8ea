# SPDX-License-Identifier: Apache-2.0
"""What a card may still use: lots, how renewals stack on them, draws, expiry, preview.

The rules (rules.py) are pure and are the only place that decides; simulator.py runs them on a file, queries.py and
actions.py on the database. A new stacking rule is a word in catalog/terms.py and a branch in rules.py.
"""
