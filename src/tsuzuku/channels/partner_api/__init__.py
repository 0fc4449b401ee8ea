# SPDX-License-Identifier: Apache-2.0
"""The door for partner systems: docs/contracts/partner-api.md, word for word.

application   one call: read, find the route, answer      gathering  calls that arrive together are worked off together
http          requests, answers and problems              callers    whose key it is, what it may do and how often
calls_*       one file for each noun                      openapi    what is said of them to machines and people

It runs on the web process's event loop beside Django's pages (docs/decisions/0013), and touches the database only on
threads of its own.
"""
