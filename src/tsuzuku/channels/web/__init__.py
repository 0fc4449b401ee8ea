# SPDX-License-Identifier: Apache-2.0
"""The website: log in or open a card with its PIN, see what is left, renew, pay, watch it happen.

Owns pages, forms and words; decides nothing that a traveller could be sold, promised or charged.
"""

#: The name of this door for prices and orders.
CHANNEL = "web"
