# SPDX-License-Identifier: Apache-2.0
"""Where providers tell what happened: raw bytes in, the adapter verifies and reads them, one action takes them."""
