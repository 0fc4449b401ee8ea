# SPDX-License-Identifier: Apache-2.0
"""The website's views, a file for each part of the way."""
