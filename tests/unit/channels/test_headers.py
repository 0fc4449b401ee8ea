# SPDX-License-Identifier: Apache-2.0
"""What every answer tells the browser."""

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tsuzuku.project.middleware import content_security_policy
from tsuzuku.testing.factories import make_mix_plan

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def test_a_page_loads_and_runs_only_what_comes_from_us(house: "House") -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in Client().get("/")["Content-Security-Policy"].split(";"))
    form_action = policy.pop("form-action").split()
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert form_action == ["'self'", house.provider.origin]


def test_the_policy_knows_the_pay_pages_of_the_providers(house: "House") -> None:
    assert f"form-action 'self' {house.provider.origin};" in content_security_policy()


@pytest.mark.parametrize("path", ["/", "/login", "/nothing-here", "/static/look/tsuzuku.css", "/inbound/payments/x"])
def test_every_answer_has_the_policies(path: str) -> None:
    answer = Client().get(path)
    assert [name for name in ("Content-Security-Policy", "Permissions-Policy") if name not in answer] == []
    assert answer["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def test_pages_of_cards_and_orders_are_kept_nowhere(
    house: "House", with_pin: Client, card: "Card", plan: "Plan"
) -> None:
    order = house.order(card, plan.code)
    token = card.public_token
    of_card = [f"/c/{token}{rest}" for rest in ("", "/plans", f"/renew/{plan.code}", "/usage", "/history", "/check")]
    for path in (*of_card, f"/o/{order.number}"):
        answer = with_pin.get(path)
        assert "no-store" in [word.strip() for word in answer["Cache-Control"].split(",")]


@pytest.mark.parametrize("path", ["/", "/open", "/login", "/signup"])
def test_pages_can_be_asked_for_their_headers_alone(path: str) -> None:
    answer = Client().head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_pages_have_no_inline_styles_or_scripts(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    house.pay(house.order(card, plan.code))
    order = house.order(card, plan.code, key="k2")
    house.start_payment(order)
    token = card.public_token
    make_mix_plan()
    of_card = ("", "/plans", f"/renew/{plan.code}", "/usage", "/history", "/mix/OWN-MIX", "/check")
    paths = ["/", "/open", "/login", "/signup", *(f"/c/{token}{rest}" for rest in of_card)]
    for path in [*paths, f"/o/{order.number}?back=1"]:
        page = with_pin.get(path).content.decode()
        assert re.findall(r"\sstyle=|<style|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", page) == [], path
