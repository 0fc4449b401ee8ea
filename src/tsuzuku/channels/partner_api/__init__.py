# SPDX-License-Identifier: Apache-2.0
"""The door for partner systems: docs/contracts/partner-api.md, word for word.

application   one call: find its route, answer            callers    whose key it is, what it may do and how often
request       headers and bodies as they come in          gathering  calls that arrive together are worked off together
http          answers and problems                        threads    everything else that would hold up the event loop
calls_*       one file for each noun                      long_calls bodies of many lines
refusals      what the domain refuses, in these words     openapi    what is said of it to machines, docs to people

It runs on the web process's event loop beside Django's pages (docs/decisions/0013), and touches the database only on
threads of its own.
"""

#: The name of this door for prices and orders.
CHANNEL = "partner_api"
