# SPDX-License-Identifier: Apache-2.0
"""Balances of customers: topping up by an order, warning before a part ends, and what people see of it.

The money itself is in `payments.balance`; spending it is part of paying an order.
"""
