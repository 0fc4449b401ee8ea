# SPDX-License-Identifier: Apache-2.0
"""What happened: facts, who did it, their delivery to listeners (the outbox), chores for rows that wait, and counts.

Owns no decision of its own: a fact is written by the module it happened in, inside the same transaction.
"""
