# SPDX-License-Identifier: Apache-2.0
"""The audit of the whole house: every room's own, in one snapshot of the database."""

from django.db import connection, transaction

from tsuzuku.allowances import audit as allowances
from tsuzuku.balances import audit as balances
from tsuzuku.catalog import audit as catalog
from tsuzuku.kernel.findings import Finding
from tsuzuku.new_cards import audit as new_cards
from tsuzuku.orders import audit as orders
from tsuzuku.payments import audit as payments
from tsuzuku.receipts import audit as receipts
from tsuzuku.renewals import audit as renewals
from tsuzuku.sellers import audit as sellers
from tsuzuku.usage import audit as usage

ROOMS = (catalog, allowances, payments, orders, balances, renewals, new_cards, usage, receipts, sellers)


def findings() -> list[Finding]:
    """Everything that does not add up."""
    return [finding for room in ROOMS for finding in room.findings()]


def audit() -> list[Finding]:
    """Everything that does not add up, as of one moment of a database at work."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return findings()
