# SPDX-License-Identifier: Apache-2.0
"""PayPal's objects as JSON."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from tsuzuku.testing.simulators.object_books import Json, shown
from tsuzuku.testing.simulators.paypal.wire import amount, link, moment, new_id

_FEE = Decimal("0.036")


def order(fields: Json, *, now: datetime, due_at: datetime) -> Json:
    """An order that nobody has agreed to. `_unit` is what it is for."""
    context = fields["payment_source"]["paypal"]["experience_context"]
    order_id = new_id()
    return {
        "id": order_id,
        "intent": "CAPTURE",
        "status": "PAYER_ACTION_REQUIRED",
        "create_time": moment(now),
        "update_time": moment(now),
        "_id": order_id,
        "_kind": "order",
        "_unit": {"reference_id": "default", **fields["purchase_units"][0]},
        "_context": context,
        "_funding": "",
        "_declined": "",
        "_trouble": "none",
        "_due_at": due_at.timestamp(),
    }


def shown_order(found: Json, captures: Sequence[Json], refunds: Sequence[Json], *, url: str) -> Json:
    """An order as its merchant sees it, with what was taken and given back."""
    here = f"{url}/v2/checkout/orders/{found['id']}"
    links = [link(here, "self")]
    if found["status"] == "PAYER_ACTION_REQUIRED":
        links.append(link(page_address(found, url=url), "payer-action"))
    if found["status"] == "APPROVED":
        links.append(link(f"{here}/capture", "capture", "POST"))
    unit = dict(found["_unit"])
    if captures:
        unit["payments"] = {"captures": [shown(each) for each in captures]}
        if refunds:
            unit["payments"]["refunds"] = [shown(each) for each in refunds]
    return {**shown(found), "payment_source": {"paypal": {}}, "purchase_units": [unit], "links": links}


def page_address(found: Json, *, url: str) -> str:
    """Where the payer of an order goes."""
    return f"{url}/checkoutnow?token={found['id']}"


def capture(of: Json, *, currency: str, value: Decimal, status: str, url: str, now: datetime) -> Json:
    """Money that was taken for an order, or could not be."""
    capture_id = new_id()
    here = f"{url}/v2/payments/captures/{capture_id}"
    fee = round(value * _FEE, 0 if currency == "JPY" else 2)
    return {
        "id": capture_id,
        "status": status,
        "amount": amount(currency, value),
        "final_capture": True,
        "seller_protection": {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"]},
        "seller_receivable_breakdown": {
            "gross_amount": amount(currency, value),
            "paypal_fee": amount(currency, fee),
            "net_amount": amount(currency, value - fee),
        },
        **{name: of["_unit"][name] for name in ("invoice_id", "custom_id") if name in of["_unit"]},
        "supplementary_data": {"related_ids": {"order_id": of["id"]}},
        "create_time": moment(now),
        "update_time": moment(now),
        "links": [
            link(here, "self"),
            link(f"{here}/refund", "refund", "POST"),
            link(f"{url}/v2/checkout/orders/{of['id']}", "up"),
        ],
        "_id": capture_id,
        "_kind": "capture",
        "_of": of["id"],
    }


def refund(of: Json, fields: Json, *, currency: str, value: Decimal, status: str, url: str, now: datetime) -> Json:
    """Money of a capture that goes back."""
    refund_id = new_id()
    return {
        "id": refund_id,
        "status": status,
        "amount": amount(currency, value),
        **{name: fields[name] for name in ("invoice_id", "custom_id", "note_to_payer") if name in fields},
        "seller_payable_breakdown": {"gross_amount": amount(currency, value), "net_amount": amount(currency, value)},
        "create_time": moment(now),
        "update_time": moment(now),
        "links": [
            link(f"{url}/v2/payments/refunds/{refund_id}", "self"),
            link(f"{url}/v2/payments/captures/{of['id']}", "up"),
        ],
        "_id": refund_id,
        "_kind": "refund",
        "_of": of["id"],
        "_order": of["_of"],
    }


def dispute(of: Json, *, reason: str, now: datetime) -> Json:
    """What a payer complains of to PayPal or their bank."""
    dispute_id = f"PP-D-{secrets.randbelow(100_000)}"
    return {
        "dispute_id": dispute_id,
        "create_time": moment(now),
        "update_time": moment(now),
        "disputed_transactions": [
            {
                "seller_transaction_id": of["id"],
                "custom": of.get("custom_id"),
                "invoice_number": of.get("invoice_id"),
                "gross_amount": of["amount"],
                "transaction_status": "COMPLETED",
            }
        ],
        "reason": reason,
        "status": "OPEN",
        "dispute_amount": of["amount"],
        "dispute_life_cycle_stage": "INQUIRY",
        "_id": dispute_id,
        "_kind": "dispute",
        "_of": of["id"],
    }


def event(kind: str, resource_type: str, resource: Json, *, url: str, now: datetime) -> Json:
    """An event about a resource as it is now."""
    event_id = f"WH-{new_id()}-{new_id()}"
    here = f"{url}/v1/notifications/webhooks-events/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": moment(now),
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": kind,
        "summary": f"{kind} of {resource.get('id', 'nothing')}",
        "resource": shown(resource),
        "links": [link(here, "self"), link(f"{here}/resend", "resend", "POST")],
    }
