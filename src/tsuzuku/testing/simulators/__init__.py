# SPDX-License-Identifier: Apache-2.0
"""A carrier and payment providers as processes of their own: real HTTP, real crashes, faults on demand.

They need nothing but Python and this package, keep what they did in a file that is on disk before they answer, and are
started by `tsuzuku carrier-sandbox` and `tsuzuku simulator`.

journal     the file of what happened          server  HTTP, and one process per folder
faults      what can go wrong with an answer   carrier
provider    payments, captures, refunds        deliveries  webhooks        pay_page  what a payer sees
"""
