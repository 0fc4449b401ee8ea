# SPDX-License-Identifier: Apache-2.0
"""The words of a receipt in five languages: a receipt is in its payer's language, whatever the pages speak.

They are few and are read by tax offices, so they stand together here and not in the folders of the pages' texts.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a receipt says in one language; `{…}` is filled in."""

    #: What the language calls itself.
    language: str
    title: str
    #: Said only where the issuer has a registration number.
    qualified: str
    copy: str
    number: str
    issued_on: str
    sold_on: str
    order_number: str
    #: With the currency, where ¥ could be taken for another.
    total: str
    received: str
    what: str
    rate: str
    amount: str
    discount: str
    sum_at_rate: str
    tax_at_rate: str
    issuer: str
    tax_number: str
    check: str
    returned: str
    mail_subject: str
    mail_page: str


TEXTS: Final = {
    "zh-hans": Texts(
        language="简体中文",
        title="收据",
        qualified="日本消费税合规简易发票（適格簡易請求書）",
        copy="副本（第 {ordinal} 份）",
        number="编号",
        issued_on="开具日期",
        sold_on="交易日期",
        order_number="订单号",
        total="收款金额（日元，含税）",
        received="上述款项已收讫。",
        what="内容",
        rate="税率",
        amount="金额（含税）",
        discount="优惠",
        sum_at_rate="{percent}% 税率合计（含税）",
        tax_at_rate="其中消费税（{percent}%）",
        issuer="开具方",
        tax_number="登记号",
        check="扫描二维码，或将其内容粘贴到 {address}，即可查验本收据的真伪。查验时不会显示您的个人信息。",
        returned="退款（{day}）：{amount}（其中消费税 {tax}）。",
        mail_subject="收据 {number}",
        mail_page="查看收据、下载 PDF：",
    ),
    "zh-hant": Texts(
        language="繁體中文",
        title="收據",
        qualified="日本消費稅合格簡易發票（適格簡易請求書）",
        copy="副本（第 {ordinal} 份）",
        number="編號",
        issued_on="開立日期",
        sold_on="交易日期",
        order_number="訂單編號",
        total="收款金額（日圓，含稅）",
        received="上述款項已如數收訖。",
        what="內容",
        rate="稅率",
        amount="金額（含稅）",
        discount="優惠",
        sum_at_rate="{percent}% 稅率合計（含稅）",
        tax_at_rate="其中消費稅（{percent}%）",
        issuer="開立方",
        tax_number="登記號碼",
        check="掃描 QR 碼，或將其內容貼到 {address}，即可查驗本收據的真偽。查驗時不會顯示您的個人資料。",
        returned="退款（{day}）：{amount}（其中消費稅 {tax}）。",
        mail_subject="收據 {number}",
        mail_page="檢視收據、下載 PDF：",
    ),
    "ja": Texts(
        language="日本語",
        title="領収書",
        qualified="適格簡易請求書",
        copy="再発行（{ordinal}通目）",
        number="番号",
        issued_on="発行日",
        sold_on="取引日",
        order_number="注文番号",
        total="領収金額（税込）",
        received="上記の金額を正に領収いたしました。",
        what="内容",
        rate="税率",
        amount="金額（税込）",
        discount="割引",
        sum_at_rate="{percent}%対象 合計（税込）",
        tax_at_rate="うち消費税（{percent}%）",
        issuer="発行者",
        tax_number="登録番号",
        check=(
            "QRコードを読み取るか、その内容を {address} に貼り付けると、この領収書が本物かどうかを確認できます。"
            "お客様の情報は表示されません。"
        ),
        returned="返金（{day}）：{amount}（うち消費税 {tax}）。",
        mail_subject="領収書 {number}",
        mail_page="領収書の表示とPDFのダウンロード：",
    ),
    "en": Texts(
        language="English",
        title="Receipt",
        qualified="Qualified simplified invoice (適格簡易請求書)",
        copy="Copy (no. {ordinal})",
        number="Number",
        issued_on="Issued on",
        sold_on="Date of sale",
        order_number="Order number",
        total="Received in Japanese yen, tax included",
        received="We have received the above amount.",
        what="What was sold",
        rate="Tax rate",
        amount="Amount, tax included",
        discount="Discount",
        sum_at_rate="Total at {percent}%, tax included",
        tax_at_rate="Consumption tax in it ({percent}%)",
        issuer="Issued by",
        tax_number="Registration number",
        check=(
            "Scan the QR code, or paste what it holds at {address}, to see whether this receipt is genuine. "
            "Nothing about you is shown there."
        ),
        returned="Repayment of {day}: {amount} (consumption tax in it: {tax}).",
        mail_subject="Receipt {number}",
        mail_page="See the receipt, download the PDF:",
    ),
    "ko": Texts(
        language="한국어",
        title="영수증",
        qualified="일본 소비세 적격 간이 청구서（適格簡易請求書）",
        copy="재발행 ({ordinal}번째)",
        number="번호",
        issued_on="발행일",
        sold_on="거래일",
        order_number="주문 번호",
        total="영수 금액(일본 엔, 세금 포함)",
        received="위 금액을 정히 영수하였습니다.",
        what="내용",
        rate="세율",
        amount="금액(세금 포함)",
        discount="할인",
        sum_at_rate="{percent}% 대상 합계(세금 포함)",
        tax_at_rate="그중 소비세({percent}%)",
        issuer="발행자",
        tax_number="등록 번호",
        check=(
            "QR 코드를 스캔하거나 그 내용을 {address} 에 붙여 넣으면 이 영수증이 진짜인지 확인할 수 있습니다. "
            "고객 정보는 표시되지 않습니다."
        ),
        returned="환불({day}): {amount}(그중 소비세 {tax}).",
        mail_subject="영수증 {number}",
        mail_page="영수증 보기, PDF 내려받기:",
    ),
}


def receipt_language(tag: str) -> str:
    """The language of a receipt for somebody whose language has this tag."""
    return tag.lower() if tag.lower() in TEXTS else "en"
