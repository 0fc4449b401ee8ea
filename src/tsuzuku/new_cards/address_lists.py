# SPDX-License-Identifier: Apache-2.0
"""What addresses are chosen from: prefectures, provinces, counties, cities and regions, each with its name in Latin."""

from typing import Final

Choices = tuple[tuple[str, str], ...]


def _pairs(text: str) -> Choices:
    """From `name Latin name` between bars, in the order in which each country lists them itself."""
    return tuple((name, latin) for name, _blank, latin in (each.strip().partition(" ") for each in text.split("|")))


PREFECTURES_OF_JAPAN: Final = _pairs(
    "北海道 Hokkaido|青森県 Aomori|岩手県 Iwate|宮城県 Miyagi|"
    "秋田県 Akita|山形県 Yamagata|福島県 Fukushima|茨城県 Ibaraki|"
    "栃木県 Tochigi|群馬県 Gunma|埼玉県 Saitama|千葉県 Chiba|"
    "東京都 Tokyo|神奈川県 Kanagawa|新潟県 Niigata|富山県 Toyama|"
    "石川県 Ishikawa|福井県 Fukui|山梨県 Yamanashi|長野県 Nagano|岐阜県 Gifu|静岡県 Shizuoka|愛知県 Aichi|三重県 Mie|"
    "滋賀県 Shiga|京都府 Kyoto|大阪府 Osaka|兵庫県 Hyogo|奈良県 Nara|和歌山県 Wakayama|鳥取県 Tottori|島根県 Shimane|"
    "岡山県 Okayama|広島県 Hiroshima|山口県 Yamaguchi|徳島県 Tokushima|香川県 Kagawa|愛媛県 Ehime|高知県 Kochi|"
    "福岡県 Fukuoka|佐賀県 Saga|長崎県 Nagasaki|熊本県 Kumamoto|"
    "大分県 Oita|宮崎県 Miyazaki|鹿児島県 Kagoshima|沖縄県 Okinawa"
)
#: Without Hong Kong, Macau and Taiwan, to which post goes by other rules.
PROVINCES_OF_CHINA: Final = _pairs(
    "北京市 Beijing|天津市 Tianjin|河北省 Hebei|"
    "山西省 Shanxi|内蒙古自治区 Inner Mongolia|辽宁省 Liaoning|吉林省 Jilin|"
    "黑龙江省 Heilongjiang|上海市 Shanghai|江苏省 Jiangsu|浙江省 Zhejiang|安徽省 Anhui|福建省 Fujian|江西省 Jiangxi|"
    "山东省 Shandong|河南省 Henan|湖北省 Hubei|湖南省 Hunan|广东省 Guangdong|广西壮族自治区 Guangxi|海南省 Hainan|"
    "重庆市 Chongqing|四川省 Sichuan|贵州省 Guizhou|云南省 Yunnan|"
    "西藏自治区 Tibet|陕西省 Shaanxi|甘肃省 Gansu|青海省 Qinghai|"
    "宁夏回族自治区 Ningxia|新疆维吾尔自治区 Xinjiang"
)
COUNTIES_OF_TAIWAN: Final = _pairs(
    "臺北市 Taipei City|新北市 New Taipei|基隆市 Keelung City|桃園市 Taoyuan City|新竹市 Hsinchu City|"
    "新竹縣 Hsinchu County|苗栗縣 Miaoli County|臺中市 Taichung City|彰化縣 Changhua County|南投縣 Nantou County|"
    "雲林縣 Yunlin County|嘉義市 Chiayi City|嘉義縣 Chiayi County|臺南市 Tainan City|高雄市 Kaohsiung City|"
    "屏東縣 Pingtung County|宜蘭縣 Yilan County|花蓮縣 Hualien County|臺東縣 Taitung County|澎湖縣 Penghu County|"
    "金門縣 Kinmen County|連江縣 Lienchiang County"
)
REGIONS_OF_HONG_KONG: Final = _pairs("香港島 HK Island|九龍 Kowloon|新界 New Territories")
PROVINCES_OF_KOREA: Final = _pairs(
    "서울특별시 Seoul|부산광역시 Busan|대구광역시 Daegu|인천광역시 Incheon|광주광역시 Gwangju|대전광역시 Daejeon|"
    "울산광역시 Ulsan|세종특별자치시 Sejong|경기도 Gyeonggi|강원특별자치도 Gangwon|충청북도 North Chungcheong|"
    "충청남도 South Chungcheong|전북특별자치도 Jeonbuk|전라남도 South Jeolla|경상북도 North Gyeongsang|"
    "경상남도 South Gyeongsang|제주특별자치도 Jeju"
)
