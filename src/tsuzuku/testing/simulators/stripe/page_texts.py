# SPDX-License-Identifier: Apache-2.0
"""The words of the simulator's pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from tsuzuku.testing.simulators.stripe.till import Trouble


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
    apple_pay: str
    apple_pay_yes: str
    apple_pay_no: str
    card: str
    total: str
    choose: str
    choose_more: str
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    trouble: str
    troubles: tuple[tuple[Trouble, str], ...]
    bank: str
    bank_yes: str
    bank_no: str
    wallet: str
    wallet_yes: str
    wallet_no: str
    methods: Mapping[str, str]
    stores: Mapping[str, str]
    until: str
    payment_code: str
    confirmation_number: str
    till: str
    till_pay: str
    run_out: str
    over: str
    go_back: str
    declined: str
    paid: str
    expired: str
    leave: str
    back: str


_ENGLISH = Texts(
    lang="en",
    title="Pay {merchant}",
    test="Simulator of Stripe: no real money moves here.",
    merchant="Merchant",
    order="Order",
    item="For",
    pay="Pay {amount} by card",
    apple_pay="Apple Pay",
    apple_pay_yes="Confirm with Face ID",
    apple_pay_no="Cancel",
    card="Card",
    total="Total",
    choose="Another card",
    choose_more="Stripe's test cards. Each does what its name says.",
    groups=(
        (
            "The bank says yes",
            (
                ("5555555555554444", "Mastercard"),
                ("6200000000000005", "UnionPay"),
                ("4000000000003220", "Visa, and the bank asks first (3-D Secure)"),
                ("4000000000005126", "Visa; a refund comes back later"),
                ("4000000000000259", "Visa; the payer disputes it afterwards"),
            ),
        ),
        (
            "The bank says no",
            (
                ("4000000000000119", "Decline: the bank cannot be reached"),
                ("4000000000009995", "Decline: not enough money"),
                ("4000000000000002", "Decline: no reason given"),
                ("4000000000000069", "Decline: the card has expired"),
                ("4000000000000127", "Decline: wrong security code"),
                ("4000000000009979", "Decline: the card was stolen"),
            ),
        ),
    ),
    trouble="Pay, but the messages go wrong",
    troubles=(
        (Trouble.LATE, "Pay, and the message comes late"),
        (Trouble.TWICE, "Pay, and the message comes twice"),
        (Trouble.OUT_OF_ORDER, "Pay, and messages change places"),
        (Trouble.LOST, "Pay, and no message comes"),
    ),
    bank="Your bank wants to know that it is you (3-D Secure).",
    bank_yes="It is me",
    bank_no="Refuse",
    wallet="This stands for the app of {method}.",
    wallet_yes="Authorize the payment",
    wallet_no="Fail the payment",
    methods={"alipay": "Alipay", "wechat_pay": "WeChat Pay", "paypay": "PayPay", "konbini": "Konbini"},
    stores={"familymart": "FamilyMart", "lawson": "Lawson", "ministop": "Ministop", "seicomart": "Seicomart"},
    until="To be paid by {moment}, Japan time.",
    payment_code="Payment code",
    confirmation_number="Confirmation number",
    till="Play the store: its machine has taken the numbers, and somebody stands at the till with cash.",
    till_pay="Pay at the till of {store}",
    run_out="Let it run out",
    over="This can no longer be paid",
    go_back="Go back to the page that sent you here.",
    declined="The last try was declined. Nothing was taken; you can try again.",
    paid="Paid",
    expired="This page has expired",
    leave="Go back without paying",
    back="Back to {merchant}",
)

_CHINESE = Texts(
    lang="zh-Hans",
    title="向 {merchant} 付款",
    test="这是 Stripe 的模拟页面，不会产生真实扣款。",
    merchant="商户",
    order="订单号",
    item="内容",
    pay="刷卡支付 {amount}",
    apple_pay="Apple Pay",
    apple_pay_yes="用面容 ID 确认",
    apple_pay_no="取消",
    card="卡",
    total="合计",
    choose="换一张卡",
    choose_more="这些是 Stripe 的测试卡，结果如名称所示。",
    groups=(
        (
            "银行同意",
            (
                ("5555555555554444", "万事达卡"),
                ("6200000000000005", "银联卡"),
                ("4000000000003220", "Visa，银行先验证身份（3-D Secure）"),
                ("4000000000005126", "Visa，退款之后被退回"),
                ("4000000000000259", "Visa，付款后持卡人提出争议"),
            ),
        ),
        (
            "银行拒绝",
            (
                ("4000000000000119", "拒绝：连不上银行"),
                ("4000000000009995", "拒绝：余额不足"),
                ("4000000000000002", "拒绝：未说明原因"),
                ("4000000000000069", "拒绝：卡已过期"),
                ("4000000000000127", "拒绝：安全码错误"),
                ("4000000000009979", "拒绝：卡已被盗"),
            ),
        ),
    ),
    trouble="付款，但通知出了问题",
    troubles=(
        (Trouble.LATE, "付款，通知来得很晚"),
        (Trouble.TWICE, "付款，通知来了两次"),
        (Trouble.OUT_OF_ORDER, "付款，通知顺序颠倒"),
        (Trouble.LOST, "付款，没有通知"),
    ),
    bank="银行需要确认是您本人（3-D Secure）。",
    bank_yes="是我本人",
    bank_no="拒绝",
    wallet="这里代替{method}的应用。",
    wallet_yes="同意付款",
    wallet_no="拒绝付款",
    methods={"alipay": "支付宝", "wechat_pay": "微信支付", "paypay": "PayPay", "konbini": "便利店付款"},
    stores={
        "familymart": "全家（FamilyMart）",
        "lawson": "罗森（Lawson）",
        "ministop": "Ministop",
        "seicomart": "Seicomart",
    },
    until="请在日本时间 {moment} 前付款。",
    payment_code="付款码",
    confirmation_number="确认号码",
    till="请扮演便利店：机器已收下号码，顾客正拿着现金站在收银台前。",
    till_pay="到收银台付款：{store}",
    run_out="让它过期",
    over="已无法付款",
    go_back="请返回原来的页面。",
    declined="上一次付款被拒绝，没有扣款，可以再试一次。",
    paid="已付款",
    expired="此付款页面已过期",
    leave="不付款，直接返回",
    back="返回 {merchant}",
)

TEXTS = {"en": _ENGLISH, "zh": _CHINESE}
