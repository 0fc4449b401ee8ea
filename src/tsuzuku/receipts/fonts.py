# SPDX-License-Identifier: Apache-2.0
"""The fonts in which receipts are printed: Noto Sans CJK, which has a face for each language and letters for all.

They are not in any Python package; Debian's is called fonts-noto-cjk. Without Django, since `tsuzuku doctor` asks too.
"""

from functools import lru_cache

import typst

#: By language tag.
FAMILIES = {
    "zh-hans": "Noto Sans CJK SC",
    "zh-hant": "Noto Sans CJK TC",
    "ja": "Noto Sans CJK JP",
    "en": "Noto Sans CJK JP",
    "ko": "Noto Sans CJK KR",
}


@lru_cache(maxsize=1)
def fonts(folders: tuple[str, ...]) -> typst.Fonts:
    """The fonts of this machine, and those in further folders. Looked for once: it takes a quarter of a second."""
    return typst.Fonts(font_paths=list(folders))


def missing_families(folders: tuple[str, ...]) -> list[str]:
    """What receipts need and this machine lacks."""
    return sorted(set(FAMILIES.values()) - set(fonts(folders).families()))
