# SPDX-License-Identifier: Apache-2.0
"""What phones call things in their menus, in each language as it stands there, and where these things are.

These words are quoted and not translated: a maker has its own in every language. Gathered in November 2026, partly from
what sellers of eSIMs tell their customers, meant for iOS 17, Android 13, One UI 5, HyperOS and HarmonyOS or later. Not
all were held against a phone: corrections are welcome. Where a maker's menus differ too much between versions, one word
to search for stands instead of a way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Task(StrEnum):
    """What somebody does in a phone's settings. The value is the anchor of its part of a guide."""

    ESIM = "esim"
    LINE = "line"
    ROAMING = "roaming"
    APN = "apn"
    USE = "use"
    HOTSPOT = "hotspot"


@dataclass(frozen=True, slots=True)
class Words:
    """What stands in a menu, in each language."""

    en: str
    zh_hans: str
    zh_hant: str
    ja: str
    ko: str

    def __str__(self) -> str:
        """In the language that is active; English where it has none of its own."""
        name = (get_language() or "en").replace("-", "_")
        return str(getattr(self, name, self.en))


@dataclass(frozen=True, slots=True)
class Way:
    """Where something is: menus to open one after another or, if it is one word, what to search for."""

    stops: "tuple[Words | StrOrPromise, ...]"
    is_search: bool = False


def _way(*stops: "Words | StrOrPromise") -> Way:
    return Way(stops)


def _search(word: Words) -> Way:
    return Way((word,), is_search=True)


#: The line of a menu that bears the name of the card.
_THIS_SIM = _("[this SIM]")

_SETTINGS = Words("Settings", "设置", "設定", "設定", "설정")
_ROAMING = Words("Data roaming", "数据漫游", "數據漫遊", "データローミング", "데이터 로밍")
_ADD_ESIM = Words("Add eSIM", "添加 eSIM", "新增 eSIM", "eSIMを追加", "eSIM 추가")
_APNS = Words("Access Point Names", "接入点名称 (APN)", "存取點名稱 (APN)", "アクセスポイント名", "액세스 포인트 이름")

_CELLULAR = Words("Cellular", "蜂窝网络", "行動服務", "モバイル通信", "셀룰러")
_IPHONE: Mapping[Task, Way] = {
    Task.ESIM: _way(
        _SETTINGS,
        _CELLULAR,
        Words("Add eSIM", "添加 eSIM", "加入 eSIM", "eSIMを追加", "eSIM 추가"),
        Words("Use QR Code", "使用二维码", "使用行動條碼", "QRコードを使用", "QR 코드 사용"),
    ),
    Task.LINE: _way(
        _SETTINGS,
        _CELLULAR,
        Words("Cellular Data", "蜂窝数据", "行動數據", "モバイルデータ通信", "셀룰러 데이터"),
        _THIS_SIM,
    ),
    Task.ROAMING: _way(
        _SETTINGS,
        _CELLULAR,
        _THIS_SIM,
        Words("Data Roaming", "数据漫游", "數據漫遊", "データローミング", "데이터 로밍"),
    ),
    Task.APN: _way(
        _SETTINGS,
        _CELLULAR,
        _THIS_SIM,
        Words(
            "Cellular Data Network",
            "蜂窝数据网络",
            "行動數據網路",
            "モバイルデータ通信ネットワーク",
            "셀룰러 데이터 네트워크",
        ),
    ),
    Task.USE: _way(_SETTINGS, _CELLULAR),
    Task.HOTSPOT: _way(
        _SETTINGS, Words("Personal Hotspot", "个人热点", "個人熱點", "インターネット共有", "개인용 핫스팟")
    ),
}
#: In the same place as the choice of the line.
DATA_SWITCHING = Words(
    "Allow Cellular Data Switching",
    "允许蜂窝数据切换",
    "允許行動數據切換",
    "モバイルデータ通信の切り替えを許可",
    "셀룰러 데이터 전환 허용",
)

_INTERNET = Words(
    "Network & internet", "网络和互联网", "網路和網際網路", "ネットワークとインターネット", "네트워크 및 인터넷"
)
_SIMS = Words("SIMs", "SIM 卡", "SIM 卡", "SIM", "SIM")
_PIXEL: Mapping[Task, Way] = {
    Task.ESIM: _way(
        _SETTINGS, _INTERNET, _SIMS, Words("Add SIM", "添加 SIM 卡", "新增 SIM 卡", "SIMを追加", "SIM 추가")
    ),
    Task.LINE: _way(
        _SETTINGS,
        _INTERNET,
        _SIMS,
        _THIS_SIM,
        Words("Mobile data", "移动数据", "行動數據", "モバイルデータ", "모바일 데이터"),
    ),
    Task.ROAMING: _way(_SETTINGS, _INTERNET, _SIMS, _THIS_SIM, Words("Roaming", "漫游", "漫遊", "ローミング", "로밍")),
    Task.APN: _way(_SETTINGS, _INTERNET, _SIMS, _THIS_SIM, _APNS),
    Task.USE: _way(
        _SETTINGS,
        _INTERNET,
        _SIMS,
        _THIS_SIM,
        Words("App data usage", "应用数据流量", "應用程式數據用量", "アプリのデータ使用量", "앱 데이터 사용량"),
    ),
    Task.HOTSPOT: _way(
        _SETTINGS,
        _INTERNET,
        Words(
            "Hotspot & tethering",
            "热点和网络共享",
            "無線基地台與網路共用",
            "アクセス ポイントとテザリング",
            "핫스팟 및 테더링",
        ),
    ),
}

_CONNECTIONS = Words("Connections", "连接", "連接", "接続", "연결")
_SIM_MANAGER = Words("SIM manager", "SIM 卡管理器", "SIM 卡管理員", "SIMマネージャー", "SIM 관리자")
_MOBILE_NETWORKS = Words("Mobile networks", "移动网络", "行動網路", "モバイルネットワーク", "모바일 네트워크")
_GALAXY: Mapping[Task, Way] = {
    Task.ESIM: _way(_SETTINGS, _CONNECTIONS, _SIM_MANAGER, _ADD_ESIM),
    Task.LINE: _way(
        _SETTINGS,
        _CONNECTIONS,
        _SIM_MANAGER,
        Words("Mobile data", "移动数据", "行動數據", "モバイルデータ", "모바일 데이터"),
    ),
    Task.ROAMING: _way(_SETTINGS, _CONNECTIONS, _MOBILE_NETWORKS, _ROAMING),
    Task.APN: _way(_SETTINGS, _CONNECTIONS, _MOBILE_NETWORKS, _APNS),
    Task.USE: _way(
        _SETTINGS, _CONNECTIONS, Words("Data usage", "流量使用情况", "數據使用量", "データ使用量", "데이터 사용")
    ),
    Task.HOTSPOT: _way(
        _SETTINGS,
        _CONNECTIONS,
        Words(
            "Mobile Hotspot and Tethering",
            "移动热点和网络共享",
            "行動無線基地台與網路共享",
            "テザリング",
            "모바일 핫스팟 및 테더링",
        ),
    ),
}

_SEARCH_USE = _search(Words("data usage", "流量", "數據用量", "データ使用量", "데이터 사용"))
_SEARCH_HOTSPOT = _search(Words("hotspot", "热点", "熱點", "テザリング", "핫스팟"))
_SIMS_AND_NETWORKS = Words(
    "SIM cards & mobile networks",
    "双卡与移动网络",
    "SIM 卡與行動網路",
    "SIMカードとモバイルネットワーク",
    "SIM 카드 및 모바일 네트워크",
)
_XIAOMI: Mapping[Task, Way] = {
    Task.ESIM: _way(_SETTINGS, _SIMS_AND_NETWORKS, _ADD_ESIM),
    Task.LINE: _way(_SETTINGS, _SIMS_AND_NETWORKS),
    Task.ROAMING: _way(_SETTINGS, _SIMS_AND_NETWORKS, _THIS_SIM, _ROAMING),
    Task.APN: _way(_SETTINGS, _SIMS_AND_NETWORKS, _THIS_SIM, _APNS),
    Task.USE: _SEARCH_USE,
    Task.HOTSPOT: _SEARCH_HOTSPOT,
}

_MOBILE_NETWORK = Words("Mobile network", "移动网络", "行動網路", "モバイルネットワーク", "모바일 네트워크")
_SIM_MANAGEMENT = Words("SIM management", "SIM 卡管理", "SIM 卡管理", "SIMカードの管理", "SIM 카드 관리")
_MOBILE_DATA = Words("Mobile data", "移动数据", "行動數據", "モバイルデータ通信", "모바일 데이터")
_HUAWEI: Mapping[Task, Way] = {
    Task.ESIM: _way(_SETTINGS, _MOBILE_NETWORK, _SIM_MANAGEMENT),
    Task.LINE: _way(_SETTINGS, _MOBILE_NETWORK, _SIM_MANAGEMENT),
    Task.ROAMING: _way(_SETTINGS, _MOBILE_NETWORK, _MOBILE_DATA, _ROAMING),
    Task.APN: _way(_SETTINGS, _MOBILE_NETWORK, _MOBILE_DATA, _APNS),
    Task.USE: _SEARCH_USE,
    Task.HOTSPOT: _SEARCH_HOTSPOT,
}

_SEARCH_SIM = _search(Words("SIM", "SIM", "SIM", "SIM", "SIM"))
_ANDROID: Mapping[Task, Way] = {
    Task.ESIM: _search(Words("eSIM", "eSIM", "eSIM", "eSIM", "eSIM")),
    Task.LINE: _SEARCH_SIM,
    Task.ROAMING: _search(Words("roaming", "漫游", "漫遊", "ローミング", "로밍")),
    Task.APN: _search(Words("APN", "APN", "APN", "APN", "APN")),
    Task.USE: _SEARCH_USE,
    Task.HOTSPOT: _SEARCH_HOTSPOT,
}

#: By the slug of a phone.
MENUS: Mapping[str, Mapping[Task, Way]] = {
    "iphone": _IPHONE,
    "pixel": _PIXEL,
    "galaxy": _GALAXY,
    "xiaomi": _XIAOMI,
    "huawei": _HUAWEI,
    "android": _ANDROID,
}
