# SPDX-License-Identifier: Apache-2.0
"""The audit finds a partner who cannot pay, and an ending of which nothing will tell."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tsuzuku.journal.models import Delivery
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.money import Money
from tsuzuku.payments.models import SpendingAccount
from tsuzuku.project.audit import findings
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.selling import Purchase, sell_renewals
from tsuzuku.sellers.models import WebhookDelivery
from tsuzuku.sellers.webhooks import set_webhook
from tsuzuku.testing.factories import make_card, make_partner, make_plan
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    """A house where a partner's renewal is under way, an hour after the partner has set an address."""
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with open_house() as house:
        make_plan("GB-1-3D")
        partner = make_partner("Kaze")
        earlier = clock.now() - timedelta(hours=1)
        set_webhook(name="Kaze", url="https://127.0.0.1:9/", actor="operator", now=earlier)
        purchase = Purchase(
            iccid=Iccid(make_card().iccid),
            plan_code="GB-1-3D",
            key="k1",
            actor=partner.actor,
            account=partner.actor,
            card_groups=None,
        )
        sell_renewals([purchase], channel="api", now=clock.now())
        yield house


def codes() -> list[str]:
    return [finding.code for finding in findings()]


def test_what_is_told_or_about_to_be_is_no_finding(house: House) -> None:
    from tsuzuku.renewals.activation import activate_renewals

    assert codes() == []
    activate_renewals()
    assert (Renewal.objects.get().state, WebhookDelivery.objects.count(), codes()) == ("active", 0, [])
    house.settle_down()
    assert (WebhookDelivery.objects.count(), codes()) == (1, [])


def test_an_ending_that_nothing_tells_is_found(house: House) -> None:
    from tsuzuku.renewals.activation import activate_renewals

    activate_renewals()
    Delivery.objects.all().delete()
    assert codes() == ["ending-not-told"]


def test_what_ended_before_there_was_an_address_needs_no_webhook(house: House) -> None:
    from tsuzuku.renewals.activation import activate_renewals
    from tsuzuku.sellers.models import Partner

    activate_renewals()
    Delivery.objects.all().delete()
    Partner.objects.update(webhook_since=clock.now())
    assert codes() == []


def test_a_partner_who_cannot_pay_is_found() -> None:
    make_partner("Kaze", balance=Money(0, "JPY"))
    SpendingAccount.objects.all().delete()
    assert codes() == ["partner-without-account"]
