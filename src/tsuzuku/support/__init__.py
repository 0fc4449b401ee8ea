# SPDX-License-Identifier: Apache-2.0
"""What a person needs who answers for a sale: so far the evidence for a dispute, which nothing changes later.

Conversations, tickets and diagnosis will live here too.
"""
