# SPDX-License-Identifier: Apache-2.0
"""What a browser calls itself, in two words that a person knows their device by. Pure Python."""

import re

#: The first that matches counts: most browsers also name those that they descend from.
_BROWSERS = (
    ("WeChat", "MicroMessenger/"),
    ("Alipay", "AlipayClient/"),
    ("LINE", r"\bLine/"),
    ("KakaoTalk", "KAKAOTALK"),
    ("NAVER", "NAVER\\("),
    ("Samsung Internet", "SamsungBrowser/"),
    ("UC Browser", "UCBrowser/"),
    ("QQ Browser", "M?QQBrowser/"),
    ("Edge", "Edg(?:A|iOS|e)?/"),
    ("Opera", "OPR/|OPT/"),
    ("Firefox", "Firefox/|FxiOS/"),
    ("Chrome", "Chrome/|CriOS/"),
    ("Safari", "Safari/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone|iPod"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS|OpenHarmony"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("ChromeOS", "CrOS"),
    ("Mac", "Macintosh"),
    ("Linux", "Linux|X11"),
)
#: Nobody's browser says more of itself.
_LENGTH_MAX = 1000


def device_name(user_agent: str) -> str:
    """Such as "Safari, iPhone"; what cannot be told is left out, and "" is a device of which nothing can be told."""
    said = user_agent[:_LENGTH_MAX]
    found = (next((name for name, pattern in table if re.search(pattern, said)), "") for table in (_BROWSERS, _SYSTEMS))
    return ", ".join(filter(None, found))
