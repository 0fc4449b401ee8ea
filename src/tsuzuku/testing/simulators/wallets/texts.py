# SPDX-License-Identifier: Apache-2.0
"""The words of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from tsuzuku.testing.simulators.wallets import Trouble


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """What the pages say in one language. Places in braces are filled in."""

    lang: str
    title: str
    test: str
    merchant: str
    order: str
    item: str
    pay: str
    app: str
    declines_heading: str
    declines: Mapping[str, str]
    trouble: str
    troubles: tuple[tuple[Trouble, str], ...]
    leave: str
    declined: str
    paid: str
    paid_more: str
    closed: str
    closed_more: str
    waiting: str
    nobody_waits: str


_ENGLISH = Texts(
    lang="en",
    title="Pay {merchant}",
    test="Simulator of {service}: no real money moves here.",
    merchant="Merchant",
    order="Order",
    item="For",
    pay="Pay {amount}",
    app="This stands for {app} on your phone, after you have scanned the code.",
    declines_heading="The bank says no. The shop is not told: {app} lets the payer try again.",
    declines={
        "network": "Decline: the bank cannot be reached",
        "limit": "Decline: over the limit",
        "refused": "Decline: refused",
    },
    trouble="Pay, but the messages go wrong",
    troubles=(
        (Trouble.LATE, "Pay, and the message comes late"),
        (Trouble.TWICE, "Pay, and the message comes twice"),
        (Trouble.LOST, "Pay, and no message comes"),
    ),
    leave="To leave without paying, go back to the shop's page.",
    declined="The last try was declined. Nothing was taken; you can try again.",
    paid="Paid",
    paid_more="Go back to the shop's page: it notices by itself.",
    closed="This code is no longer good",
    closed_more="Nothing was taken. Start again at the shop.",
    waiting="Codes that wait to be paid",
    nobody_waits="No code waits to be paid.",
)

_CHINESE = Texts(
    lang="zh-Hans",
    title="向 {merchant} 付款",
    test="这是{service}的模拟页面，不会产生真实扣款。",
    merchant="商户",
    order="订单号",
    item="内容",
    pay="支付 {amount}",
    app="这里代替您手机上的{app}：相当于已经扫了码。",
    declines_heading="银行拒绝。商户不会收到通知：{app}允许付款人再试一次。",
    declines={"network": "拒绝：连不上银行", "limit": "拒绝：超出限额", "refused": "拒绝：其他原因"},
    trouble="付款，但通知出了问题",
    troubles=(
        (Trouble.LATE, "付款，通知来得很晚"),
        (Trouble.TWICE, "付款，通知来了两次"),
        (Trouble.LOST, "付款，没有通知"),
    ),
    leave="不想付款的话，直接回到商户页面即可。",
    declined="上一次付款被拒绝，没有扣款，可以再试一次。",
    paid="已付款",
    paid_more="请回到商户页面，页面会自动更新。",
    closed="此二维码已失效",
    closed_more="没有扣款，请在商户页面重新下单支付。",
    waiting="等待付款的二维码",
    nobody_waits="没有等待付款的二维码。",
)

TEXTS = {"en": _ENGLISH, "zh": _CHINESE}
