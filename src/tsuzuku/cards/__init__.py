# SPDX-License-Identifier: Apache-2.0
"""The SIM or eSIM: its identifiers, its QR, its stock, the PIN that opens it and the people who hold it.

Owns who may act for a card. Does not own what is on it: whether it is fresh, active or used up is told by `allowances`.
"""
