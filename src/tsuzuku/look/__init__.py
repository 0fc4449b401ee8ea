# SPDX-License-Identifier: Apache-2.0
"""How things look: tokens, base templates, formats by language, the line, and the tools of the texts.

Owns no page: a page belongs to its channel and extends `look/base.html`.
"""
