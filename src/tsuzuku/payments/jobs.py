# SPDX-License-Identifier: Apache-2.0
"""What payments do in the background."""

from tsuzuku.journal.chores import register_chore
from tsuzuku.payments.actions import ASK_ABOUT_PAYMENTS
from tsuzuku.payments.asking import ASK_ABOUT_REFUNDS, ask_about_payments, ask_about_refunds
from tsuzuku.payments.balance import end_parts, has_parts_to_end
from tsuzuku.payments.queries import has_payments_to_ask_about, has_refunds_to_ask_about, has_refunds_to_send
from tsuzuku.payments.refunding import SEND_REFUNDS, send_refunds

register_chore(name=SEND_REFUNDS, run=send_refunds, is_due=has_refunds_to_send)
register_chore(name=ASK_ABOUT_PAYMENTS, run=ask_about_payments, is_due=has_payments_to_ask_about)
register_chore(name=ASK_ABOUT_REFUNDS, run=ask_about_refunds, is_due=has_refunds_to_ask_about)
register_chore(name="end parts of balances", run=end_parts, is_due=has_parts_to_end)
