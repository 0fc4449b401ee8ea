# SPDX-License-Identifier: Apache-2.0
"""One folder per door. A view parses with a form, calls one action or query, and renders.

Doors never import each other.
"""
