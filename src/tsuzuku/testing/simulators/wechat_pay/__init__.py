# SPDX-License-Identifier: Apache-2.0
"""WeChat Pay as far as Tsuzuku needs it, in its own words on the wire: another's package cannot tell the difference.

keys     both sides' keys, and changing theirs     wire     signatures, encryption, errors
objects  transactions, refunds, notifications      till     what merchants ask for and payers do
sandbox  the process; the page that stands for the payer's app is in tsuzuku.testing.simulators.wallets

API v3 outside mainland China, https://pay.weixin.qq.com/doc/global/v3/en/. Checked: 2026-11-21, with wechatpayv3 2.0.4.

As on the real wire, a code holds `weixin://wxpay/bizpayurl?pr=...`, which here no camera and no phone understands: the
page at `/` lists the codes that wait to be paid, and `/pay?pr=...` is the app in which one is.
"""
