# SPDX-License-Identifier: Apache-2.0
"""One folder per provider. Copy one, register it in `tsuzuku.project.adapters`, pass the contract suite."""
