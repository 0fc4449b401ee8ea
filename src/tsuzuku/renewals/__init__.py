# SPDX-License-Identifier: Apache-2.0
"""The renewal from quote to online; the only place where catalog, allowances, orders, payments and carriers meet."""
