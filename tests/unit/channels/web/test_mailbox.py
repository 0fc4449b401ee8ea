# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING

import pytest
from django.http import Http404
from django.test import RequestFactory
from django.urls import path
from pytest_django import Settings

from tsuzuku.channels.web.urls import urlpatterns as website
from tsuzuku.channels.web.views import mailbox

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
    from django.test import Client

    from tsuzuku.orders.links import order_link

    settings.ROOT_URLCONF = __name__
    order = house.order(card, plan.code)
    house.pay(order)
    (sent,) = house.gateway.sent
    mailbox_page = Client().get("/demo/mail")
    assert [kept.message.subject for kept in mailbox_page.context["kept"]] == [sent.message.subject]
    letter = Client().get(f"/demo/mail/{sent.message.message_id}").content.decode()
    assert f'<a href="{order_link(order)}" rel="nofollow">' in letter


def test_a_mail_that_was_never_sent(house: "House") -> None:
    with pytest.raises(Http404):
        mailbox.message(RequestFactory().get("/"), "nothing@example.com")
