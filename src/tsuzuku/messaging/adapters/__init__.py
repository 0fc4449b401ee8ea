# SPDX-License-Identifier: Apache-2.0
"""One folder per gateway. Copy one, register it in `tsuzuku.project.adapters`."""
