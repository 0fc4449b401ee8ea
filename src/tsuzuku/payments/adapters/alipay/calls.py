# SPDX-License-Identifier: Apache-2.0
"""Calls of the open API, signed, and answers that are believed only if they are signed too."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import exchange
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable
from tsuzuku.payments.adapters.alipay.config import App
from tsuzuku.payments.adapters.alipay.signing import SIGN_TYPE, read_answer, signed_fields

CHINA = timezone(timedelta(hours=8))
_DONE, _BUSINESS_FAILED = "10000", "40004"
#: Of a business that failed: no last word, since the merchant's balance or Alipay's own trouble is behind it.
_TRY_AGAIN = frozenset({"ACQ.SELLER_BALANCE_NOT_ENOUGH"})
_UNCLEAR = frozenset({"ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR", "isp.unknow-error", "aop.unknow-error"})
#: Gateway codes that are about our keys, our contract or their load, and no word about what was asked.
_ABOUT_US = frozenset({"20001", "40001", "40002", "40003", "40005", "40006"})


def call(
    client: httpx.Client,
    app: App,
    method: str,
    fields: Mapping[str, object],
    *,
    notify: bool = False,
    changes_nothing: bool = False,
) -> dict[str, Any]:
    """What a call was answered, as JSON. Raises Rejected, Unavailable or OutcomeUnknown.

    Neither a yes nor a no counts that Alipay has not signed: whatever it says may be a lie.
    """
    params = {
        "app_id": app.app_id,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": SIGN_TYPE,
        "timestamp": stamp(clock.now()),
        "version": "1.0",
        "biz_content": json.dumps(fields, ensure_ascii=False, separators=(",", ":")),
    }
    if notify:
        params["notify_url"] = app.notify_url
    signed = signed_fields(params, key=app.private_key)
    # The charset must be known before the form is read.
    request = client.build_request("POST", app.gateway, params={"charset": "utf-8"}, data=signed)
    answer = exchange(client, request, changes_nothing=changes_nothing)
    try:
        told, is_signed = read_answer(answer.body, method=method, alipay_keys=app.alipay_keys)
        code, sub_code = str(told["code"]), str(told.get("sub_code", ""))
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        code = "answer-malformed" if answer.status == httpx.codes.OK else f"http-{answer.status}"
        raise _unusable(code, changes_nothing=changes_nothing) from problem
    if code in _ABOUT_US:
        raise Unavailable(_storable(sub_code or code), f"code {code}")
    if not is_signed:
        raise _unusable("answer-forged", changes_nothing=changes_nothing)
    if code == _DONE:
        return told
    if code != _BUSINESS_FAILED or sub_code in _UNCLEAR:
        raise _unusable(_storable(sub_code or code), f"code {code}", changes_nothing=changes_nothing)
    if sub_code in _TRY_AGAIN:
        raise Unavailable(_storable(sub_code), f"code {code}")
    raise Rejected(_storable(sub_code), f"code {code}")


def stamp(moment: datetime) -> str:
    """A moment as Alipay writes it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> datetime:
    """What `stamp` wrote. Raises ValueError or TypeError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)


def _storable(code: str) -> str:
    """Alipay's own word for what was wrong. Its sentences may hold what a payer typed, so they are not kept."""
    return code if code.isascii() and 0 < len(code) <= 64 else "refused"


def _unusable(code: str, detail: str = "", *, changes_nothing: bool) -> PortError:
    return Unavailable(code, detail) if changes_nothing else OutcomeUnknown(code, detail)
