# SPDX-License-Identifier: Apache-2.0
"""The words of the simulator's page."""

from dataclasses import dataclass

from tsuzuku.testing.simulators.paypal.funding import Funding, Trouble


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """What the page says in one language. Places in braces are filled in."""

    lang: str
    title: str
    test: str
    merchant: str
    order: str
    item: str
    pay: str
    choose: str
    choose_more: str
    groups: tuple[tuple[str, tuple[tuple[Funding, str], ...]], ...]
    trouble: str
    troubles: tuple[tuple[Trouble, str], ...]
    declined: str
    agreed: str
    agreed_more: str
    paid: str
    leave: str
    back: str


_ENGLISH = Texts(
    lang="en",
    title="Pay {merchant}",
    test="Simulator of PayPal: no real money moves here.",
    merchant="Merchant",
    order="Order",
    item="For",
    pay="Pay {amount} with PayPal",
    choose="Another card in the account",
    choose_more="Each does what its name says when the merchant takes the money.",
    groups=(
        (
            "The card is refused",
            (
                (Funding.DECLINED, "Decline: no reason given"),
                (Funding.LIMIT, "Decline: over the limit"),
                (Funding.BANK_EMPTY, "Decline: not enough money"),
                (Funding.BANK_AWAY, "Decline: the bank cannot be reached"),
                (Funding.RESTRICTED, "Decline: the account is restricted"),
            ),
        ),
        (
            "PayPal looks at it first",
            (
                (Funding.REVIEWED, "Pay, and the money comes after a while"),
                (Funding.REVIEWED_IN_VAIN, "Pay, and it is declined after a while"),
            ),
        ),
    ),
    trouble="Pay, but the messages go wrong",
    troubles=(
        (Trouble.LATE, "Pay, and the messages come late"),
        (Trouble.TWICE, "Pay, and each message comes twice"),
        (Trouble.OUT_OF_ORDER, "Pay, and messages change places"),
        (Trouble.LOST, "Pay, and no message comes"),
    ),
    declined="The last try was declined. Nothing was taken; you can choose another card.",
    agreed="You have agreed",
    agreed_more="The merchant takes the money now. You need not do anything.",
    paid="Paid",
    leave="Cancel and go back",
    back="Back to {merchant}",
)

_CHINESE = Texts(
    lang="zh-Hans",
    title="向 {merchant} 付款",
    test="这是 PayPal 的模拟页面，不会产生真实扣款。",
    merchant="商户",
    order="订单号",
    item="内容",
    pay="用 PayPal 支付 {amount}",
    choose="账户里的其他卡",
    choose_more="商户扣款时，每张卡都会按它的名字发生相应的情况。",
    groups=(
        (
            "卡被拒绝",
            (
                (Funding.DECLINED, "拒绝：未说明原因"),
                (Funding.LIMIT, "拒绝：超出限额"),
                (Funding.BANK_EMPTY, "拒绝：余额不足"),
                (Funding.BANK_AWAY, "拒绝：连不上银行"),
                (Funding.RESTRICTED, "拒绝：账户受限"),
            ),
        ),
        (
            "PayPal 先审核",
            (
                (Funding.REVIEWED, "付款，过一会儿才到账"),
                (Funding.REVIEWED_IN_VAIN, "付款，过一会儿被拒绝"),
            ),
        ),
    ),
    trouble="付款，但通知出了问题",
    troubles=(
        (Trouble.LATE, "付款，通知来得很晚"),
        (Trouble.TWICE, "付款，每个通知来两次"),
        (Trouble.OUT_OF_ORDER, "付款，通知顺序颠倒"),
        (Trouble.LOST, "付款，没有通知"),
    ),
    declined="上一次付款被拒绝，没有扣款，可以换一张卡。",
    agreed="您已同意付款",
    agreed_more="商户正在扣款，请稍候，无需任何操作。",
    paid="已付款",
    leave="取消并返回",
    back="返回 {merchant}",
)

TEXTS = {"en": _ENGLISH, "zh": _CHINESE}
