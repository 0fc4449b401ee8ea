# SPDX-License-Identifier: Apache-2.0
"""What the simulators of payment providers say that they took and gave back, each by its own books (`GET /audit`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Objects = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Taken:
    """Money that a provider took by its books, and what of it is back."""

    provider: str
    #: As our captures name it.
    id: str
    amount_minor: int
    returned_minor: int
    refunds: int


def read_taken(provider: str, audit: Mapping[str, Any]) -> list[Taken]:
    """All that was taken. KeyError for a provider whose books nobody here can read."""
    objects: Objects = audit["objects"]
    taken = dict(_TAKEN[provider](objects))
    returned = [(capture, amount) for capture, amount in _RETURNED[provider](objects) if capture in taken]
    return [
        Taken(
            provider=provider,
            id=capture,
            amount_minor=amount,
            returned_minor=sum(each for of, each in returned if of == capture),
            refunds=sum(of == capture for of, _ in returned),
        )
        for capture, amount in taken.items()
    ]


def unsettled(audit: Mapping[str, Any]) -> int:
    """How many webhooks are owed and how many refunds are on their way."""
    refunds = [
        each
        for each in audit["objects"]
        if "out_refund_no" in each or each.get("object") == "refund" or each.get("_kind") == "refund"
    ]
    under_way = sum(each.get("status") in {"PROCESSING", "PENDING", "pending", "requires_action"} for each in refunds)
    return len(audit["owed_deliveries"]) + under_way


def _of_stripe(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if each.get("object") == "payment_intent" and each["amount_received"]:
            yield each["id"], each["amount_received"]


def _back_from_stripe(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if each.get("object") == "refund" and each["status"] == "succeeded":
            yield each["payment_intent"], each["amount"]


def _of_wechat_pay(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if "trade_type" in each and "success_time" in each:
            yield each["id"], each["amount"]["total"]


def _back_from_wechat_pay(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if "out_refund_no" in each and each["status"] == "SUCCESS":
            yield each["transaction_id"], each["amount"]["refund"]


def _of_alipay(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if "send_pay_date" in each:
            yield each["trade_no"], int(Decimal(each["total_amount"]))


def _back_from_alipay(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if "out_request_no" in each and each["refund_status"] == "REFUND_SUCCESS":
            yield each["trade_no"], int(Decimal(each["refund_amount"]))


def _of_paypal(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if each.get("_kind") == "capture" and each["status"] in {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}:
            yield each["id"], int(Decimal(each["amount"]["value"]))


def _back_from_paypal(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if each.get("_kind") == "refund" and each["status"] == "COMPLETED":
            yield each["_of"], int(Decimal(each["amount"]["value"]))


def _of_komoju(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        if each.get("_kind") == "payment" and each["captured_at"]:
            yield each["id"], each["amount"]


def _back_from_komoju(objects: Objects) -> Iterator[tuple[str, int]]:
    for each in objects:
        for refund in each.get("refunds", ()):
            yield each["id"], refund["amount"]


_Reader = Callable[[Objects], Iterator[tuple[str, int]]]
_TAKEN: Mapping[str, _Reader] = {
    "stripe": _of_stripe,
    "wechat_pay": _of_wechat_pay,
    "alipay": _of_alipay,
    "paypal": _of_paypal,
    "komoju": _of_komoju,
}
_RETURNED: Mapping[str, _Reader] = {
    "stripe": _back_from_stripe,
    "wechat_pay": _back_from_wechat_pay,
    "alipay": _back_from_alipay,
    "paypal": _back_from_paypal,
    "komoju": _back_from_komoju,
}
