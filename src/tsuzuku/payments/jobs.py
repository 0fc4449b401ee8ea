# SPDX-License-Identifier: Apache-2.0
"""What payments do in the background."""

from tsuzuku.journal.chores import register_chore
from tsuzuku.payments.actions import ASK_PROVIDERS, SEND_REFUNDS, ask_providers, send_refunds
from tsuzuku.payments.queries import has_payments_to_ask_about, has_refunds_to_send

register_chore(name=SEND_REFUNDS, run=send_refunds, is_due=has_refunds_to_send)
register_chore(name=ASK_PROVIDERS, run=ask_providers, is_due=has_payments_to_ask_about)
