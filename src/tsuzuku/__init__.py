# SPDX-License-Identifier: Apache-2.0
"""Tsuzuku: the platform with which a travel-SIM brand keeps its customers online in Japan."""
