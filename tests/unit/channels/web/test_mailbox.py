# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING, Any

import pytest
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import path
from pytest_django import Settings

from tsuzuku.channels.web.urls import urlpatterns as website
from tsuzuku.channels.web.views import mailbox
from tsuzuku.kernel import clock
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

urlpatterns = [
    *website,
    path("demo/mail", mailbox.messages, name="demo_mail"),
    path("demo/mail/<str:message_id>", mailbox.message, name="demo_message"),
]


def test_the_demo_shows_what_was_sent(
    client: object, settings: Settings, house: "House", card: "Card", plan: "Plan"
) -> None:
    from tsuzuku.orders.links import order_link

    settings.ROOT_URLCONF = __name__
    order = house.order(card, plan.code)
    house.pay(order)
    (sent,) = house.gateway.sent
    mailbox_page = Client().get("/demo/mail")
    assert [kept.message.subject for kept in mailbox_page.context["kept"]] == [sent.message.subject]
    letter = Client().get(f"/demo/mail/{sent.message.message_id}").content.decode()
    assert f'<a href="{order_link(order)}" rel="nofollow">' in letter


def test_an_sms_and_a_push_stand_beside_the_mails(settings: Settings, house: "House") -> None:
    settings.ROOT_URLCONF = __name__
    told: dict[str, Any] = {"language": "ja", "purpose": "card:1", "now": clock.now()}
    send_message(dedupe_key="1", kind=AddressKind.SMS, address="+819012345678", text="残り0.4 GB", **told)
    send_message(
        dedupe_key="2", kind=AddressKind.PUSH, address="{}", subject="続く", text="残り3日", link="/c/1", **told
    )
    house.settle_down()
    assert [kept.message.text for kept in Client().get("/demo/mail").context["kept"]] == ["残り3日", "残り0.4 GB"]
    letters = [
        Client().get(f"/demo/mail/{gateway.sent[0].message.message_id}").content.decode()
        for gateway in (house.sms, house.push)
    ]
    assert ["<h1>+819012345678</h1>" in letter for letter in letters] == [True, False]
    assert ['<a class="link" href="/c/1">' in letter for letter in letters] == [False, True]


def test_a_mail_that_was_never_sent(house: "House") -> None:
    with pytest.raises(Http404):
        mailbox.message(RequestFactory().get("/"), "nothing@example.com")
