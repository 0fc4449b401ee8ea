# SPDX-License-Identifier: Apache-2.0
"""An SMS gateway of nobody's, as many speak: JSON with a bearer key, repeats folded, reports signed by HMAC.

It keeps its messages while it runs.
"""
