# SPDX-License-Identifier: Apache-2.0
"""A package, so that no other one of this name is found before it: some that are installed for tests bring theirs."""
