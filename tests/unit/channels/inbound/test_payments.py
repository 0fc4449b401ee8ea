# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from django.db import transaction
from django.test import Client

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.models import Capture, ProviderNotice
from tsuzuku.payments.ports import EventKind, ProviderEvent

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.orders.models import Order
    from tsuzuku.testing.house import House

ADDRESS = "/inbound/payments/fake"


@pytest.fixture
def order(house: "House", card: "Card", plan: "Plan") -> "Order":
    return house.order(card, plan.code)


def deliver(house: "House", event: ProviderEvent, **changes: object) -> int:
    """The status with which a webhook of this event is answered."""
    headers, body = house.provider.webhook(event.event_id, **changes)  # type: ignore[arg-type]  # of the double
    # A provider has no cookie and no token.
    client = Client(enforce_csrf_checks=True)
    return client.post(ADDRESS, data=body, content_type="application/json", headers=headers).status_code


def test_a_genuine_webhook_pays_the_order(house: "House", order: "Order") -> None:
    (event,) = house.provider.pay(house.start_payment(order))
    assert deliver(house, event) == 200
    house.settle_down()
    order.refresh_from_db()
    assert order.state == "paid"


def test_the_same_webhook_again_is_answered_and_does_nothing(house: "House", order: "Order") -> None:
    (event,) = house.provider.pay(house.start_payment(order))
    assert [deliver(house, event) for _ in range(3)] == [200, 200, 200]
    assert [Capture.objects.count(), ProviderNotice.objects.count()] == [1, 1]


def test_a_forged_webhook_leaves_no_trace(house: "House", order: "Order") -> None:
    (event,) = house.provider.pay(house.start_payment(order))
    headers, body = house.provider.webhook(event.event_id)
    forged = [
        ({}, body),
        (headers, body + b" "),
        ({"Fake-Signature": headers["Fake-Signature"].replace("v1=", "v1=00")}, body),
    ]
    for wrong_headers, wrong_body in forged:
        answer = Client().post(ADDRESS, data=wrong_body, content_type="application/json", headers=wrong_headers)
        assert answer.status_code == 400
    assert [Capture.objects.count(), ProviderNotice.objects.count()] == [0, 0]


def test_a_webhook_that_was_recorded_long_ago_is_refused(house: "House", order: "Order") -> None:
    (event,) = house.provider.pay(house.start_payment(order))
    assert deliver(house, event, at=clock.now() - timedelta(hours=1)) == 400
    assert ProviderNotice.objects.count() == 0


def test_a_webhook_for_an_order_that_is_not_ours_is_kept_and_does_nothing(house: "House", order: "Order") -> None:
    from tsuzuku.payments.ports import PaymentRequest

    elsewhere = PaymentRequest(
        key="somebody-elses",
        method="fake",
        amount=Money(300, "JPY"),
        description="",
        order_number="",
        return_url="",
        cancel_url="",
        language="en",
        created_at=clock.now(),
        expires_at=clock.now(),
    )
    reference = house.provider.start_payment(elsewhere).reference
    (event,) = house.provider.pay(reference)
    assert deliver(house, event) == 200
    assert list(ProviderNotice.objects.values_list("kind", "problem")) == [(EventKind.CAPTURED, "payment-unknown")]
    assert Capture.objects.count() == 0


def test_an_amount_that_differs_is_held_for_a_person(house: "House", order: "Order") -> None:
    (event,) = house.provider.pay(house.start_payment(order), amount=Money(30, "JPY"))
    assert deliver(house, event) == 200
    house.settle_down()
    order.refresh_from_db()
    assert order.state == "held"


def test_an_unknown_provider_is_not_there(house: "House") -> None:
    assert Client().post("/inbound/payments/nobody", data=b"{}", content_type="application/json").status_code == 404


def test_a_body_that_is_too_large_is_not_read_to_the_end(house: "House") -> None:
    answer = Client().post(ADDRESS, data=b"x" * 256_001, content_type="application/json")
    assert answer.status_code == 413


def test_only_post(house: "House") -> None:
    assert Client().get(ADDRESS).status_code == 405


def test_nothing_is_answered_before_it_is_committed(
    house: "House", order: "Order", monkeypatch: pytest.MonkeyPatch
) -> None:
    """When what was told cannot be kept the provider gets no 200, and tells it again."""
    (event,) = house.provider.pay(house.start_payment(order))

    def fail(**_: object) -> None:
        with transaction.atomic():
            ProviderNotice.objects.create(provider="fake", event_id="x", kind="captured", raw="", taken_at=clock.now())
            raise RuntimeError("the disk is full")

    monkeypatch.setattr("tsuzuku.channels.inbound.views.take_events", fail)
    headers, body = house.provider.webhook(event.event_id)
    client = Client(raise_request_exception=False)
    assert client.post(ADDRESS, data=body, content_type="application/json", headers=headers).status_code == 500
    assert ProviderNotice.objects.count() == 0


def test_it_is_answered_in_the_words_that_the_provider_wants(house: "House", order: "Order") -> None:
    (event,) = house.provider.pay(house.start_payment(order))
    headers, body = house.provider.webhook(event.event_id)
    answers = []
    for reply in ("", "success"):
        wants = replace(house.provider.capabilities, webhook_reply=reply)
        with patch.object(type(house.provider), "capabilities", wants):
            answers.append(Client().post(ADDRESS, data=body, content_type="application/json", headers=headers).content)
    assert answers == [b"", b"success"]
    refusal = Client().post(ADDRESS, data=body, content_type="application/json")
    assert refusal.json() == {"code": "FAIL", "message": "webhook-forged"}
