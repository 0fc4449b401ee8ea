# SPDX-License-Identifier: Apache-2.0
"""A push service (RFC 8030, RFC 8292), and browsers that have subscribed to it and can read what it holds for them.

browser  a subscription's keys, and decryption written for itself      service  takes messages over HTTP
It keeps them while it runs. Checked: 2026-11-22.
"""
