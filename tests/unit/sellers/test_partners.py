# SPDX-License-Identifier: Apache-2.0
"""Partners and their accounts."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.errors import CreditLimitInUse, TopUpReused
from tsuzuku.payments.spending import Balance, balance_of
from tsuzuku.sellers.actions import set_credit_limit, top_up_partner
from tsuzuku.sellers.errors import PartnerExists, PartnerMalformed, PartnerUnknown
from tsuzuku.sellers.models import Partner
from tsuzuku.sellers.queries import partner_named, partners
from tsuzuku.testing.factories import make_partner

pytestmark = pytest.mark.django_db


def yen(balance: int, credit_limit: int = 0) -> Balance:
    return Balance(Money(balance, "JPY"), Money(credit_limit, "JPY"))


def facts() -> list[tuple[str, str]]:
    return list(Fact.objects.order_by("pk").values_list("kind", "actor"))


def test_a_partner_begins_with_an_account() -> None:
    partner = make_partner(" Kaze Mobile ", balance=Money(500_000, "JPY"), credit_limit_minor=100_000)
    assert (partner.name, partner.all_cards, partner.card_groups) == ("Kaze Mobile", True, [])
    assert balance_of(f"partner:{partner.pk}") == yen(500_000, 100_000)
    assert ("partner-created", "operator") in facts()


def test_a_partner_may_begin_with_nothing_and_in_another_currency() -> None:
    partner = make_partner(balance=Money(0, "USD"))
    assert balance_of(partner.actor) == Balance(Money(0, "USD"), Money(0, "USD"))


def test_a_partner_of_some_card_groups() -> None:
    assert make_partner(card_groups=["lte", " 5g ", "lte"]).card_groups == ["5g", "lte"]


def test_a_name_is_one_partners() -> None:
    first = make_partner("Kaze")
    with pytest.raises(PartnerExists):
        make_partner("Kaze", balance=Money(99, "JPY"))
    assert partners() == [first]
    assert balance_of(first.actor) == yen(10_000)
    assert make_partner("kaze") != first


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.com\nBcc: b@example.com"}, "email"),
        ({"language": "tlh"}, "language"),
        ({"all_cards": True, "card_groups": ["lte"]}, "card_groups"),
        ({"all_cards": False}, "card_groups"),
        ({"card_groups": [""]}, "card_groups"),
        ({"card_groups": ["x" * 65]}, "card_groups"),
        ({"balance": Money(-1, "JPY")}, "balance_minor"),
        ({"balance": Money(10**16, "JPY")}, "balance_minor"),
        ({"credit_limit_minor": -1}, "credit_limit_minor"),
        ({"credit_limit_minor": 10**16}, "credit_limit_minor"),
        ({"low_balance_minor": 10**16}, "low_balance_minor"),
        ({"low_balance_minor": 100, "email": ""}, "low_balance_minor"),
    ],
)
def test_what_cannot_be_a_partner(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(PartnerMalformed) as refused:
        make_partner(**wrong)
    assert refused.value.particulars == {"field": field}
    assert (list(Partner.objects.all()), facts()) == ([], [])


def test_money_comes_in_once_per_reference() -> None:
    make_partner("Kaze")
    top_up: dict[str, Any] = {
        "name": "Kaze",
        "amount_minor": 5_000,
        "reference": "INV-1",
        "actor": "operator",
        "now": clock.now(),
    }
    assert top_up_partner(**top_up) == yen(15_000)
    assert top_up_partner(**top_up) == yen(15_000)
    assert top_up_partner(**{**top_up, "reference": "INV-2"}) == yen(20_000)
    with pytest.raises(TopUpReused):
        top_up_partner(**{**top_up, "amount_minor": 6_000})
    assert balance_of(partner_named("Kaze").actor) == yen(20_000)


def test_two_partners_may_use_the_same_reference() -> None:
    make_partner("Kaze"), make_partner("Umi")
    for name in ("Kaze", "Umi"):
        after = top_up_partner(name=name, amount_minor=1, reference="INV-1", actor="operator", now=clock.now())
        assert after == yen(10_001)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": -5}, "amount_minor"),
        ({"amount_minor": 10**16}, "amount_minor"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 65}, "reference"),
        ({"reference": "a\nb"}, "reference"),
    ],
)
def test_what_cannot_be_a_top_up(wrong: dict[str, Any], field: str) -> None:
    partner = make_partner("Kaze")
    usual: dict[str, Any] = {"name": "Kaze", "amount_minor": 1, "reference": "INV-1"}
    with pytest.raises(PartnerMalformed) as refused:
        top_up_partner(**{**usual, **wrong}, actor="operator", now=clock.now())
    assert refused.value.particulars == {"field": field}
    assert balance_of(partner.actor) == yen(10_000)


def test_a_credit_limit_can_be_changed() -> None:
    make_partner("Kaze")
    now = clock.now()
    assert set_credit_limit(name="Kaze", credit_limit_minor=700, actor="operator", now=now) == yen(10_000, 700)
    with pytest.raises(PartnerMalformed):
        set_credit_limit(name="Kaze", credit_limit_minor=-1, actor="operator", now=now)


def test_a_credit_limit_covers_what_is_owed() -> None:
    from tsuzuku.payments.spending import Spending, spend

    partner = make_partner("Kaze", balance=Money(0, "JPY"), credit_limit_minor=500)
    spent = Spending(account=partner.actor, purpose="T-1", amount=Money(300, "JPY"), is_earned=True)
    with transaction.atomic():
        spend([spent], now=clock.now())
    with pytest.raises(CreditLimitInUse):
        set_credit_limit(name="Kaze", credit_limit_minor=299, actor="operator", now=clock.now())
    after = set_credit_limit(name="Kaze", credit_limit_minor=300, actor="operator", now=clock.now())
    assert after == yen(-300, 300)


def test_a_partner_that_is_not_there() -> None:
    make_partner("Kaze")
    now = clock.now()
    with pytest.raises(PartnerUnknown):
        partner_named("Nobody")
    with pytest.raises(PartnerUnknown):
        top_up_partner(name="Nobody", amount_minor=1, reference="x", actor="operator", now=now)
    with pytest.raises(PartnerUnknown):
        set_credit_limit(name="Nobody", credit_limit_minor=1, actor="operator", now=now)


def test_the_database_keeps_names_and_webhooks_straight() -> None:
    make_partner("Kaze"), make_partner("Umi")
    for wrong in ({"name": "Umi"}, {"name": ""}, {"webhook_url": "https://kaze.example/"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Partner.objects.filter(name="Kaze").update(**wrong)
