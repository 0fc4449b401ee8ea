# SPDX-License-Identifier: Apache-2.0
"""The assembled product: settings, URLs, command line, processes. The one place that names adapters."""
