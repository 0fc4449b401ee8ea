# SPDX-License-Identifier: Apache-2.0
"""One message to one address: rows that wait to be sent, the port of gateways, and an adapter for each.

What is said, to whom and when is decided by who calls `send_message`.
"""
