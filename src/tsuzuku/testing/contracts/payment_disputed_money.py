# SPDX-License-Identifier: Apache-2.0
"""What must become of money that a payer's bank takes back: the adapter that tells of it and our ledger together."""

from collections.abc import Iterator

import pytest

from tsuzuku.orders.models import Order
from tsuzuku.payments.errors import CaptureDisputed
from tsuzuku.payments.models import Dispute
from tsuzuku.payments.ports import PaymentProvider
from tsuzuku.payments.queries import balances
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.contracts.payment_disputes import DisputingOutside
from tsuzuku.testing.contracts.payment_money import NAME, deliver, start
from tsuzuku.testing.contracts.payment_provider import Webhook
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.house import House, open_house


class DisputedMoneyContract:
    """Subclass it as `Test...` like PaymentMoneyContract; `outside` is a DisputingOutside."""

    @pytest.fixture
    def house(self, provider: PaymentProvider) -> Iterator[House]:
        """A house whose payers pay by the provider, and whose books are in order at the end."""
        with open_house() as house, using_provider(NAME, provider):
            make_plan("GB-1-3D", price_minor=300)
            yield house
            assert house.findings() == []

    @pytest.fixture
    def order(self, house: House) -> Order:
        """An order of 300 yen."""
        return house.order(make_card(), "GB-1-3D")

    @pytest.fixture
    def reference(self, house: House, provider: PaymentProvider, outside: DisputingOutside, order: Order) -> str:
        """A payment whose money is there, and whose card holds what it paid for."""
        reference = start(order, provider)
        outside.pay(reference)
        deliver(outside.webhooks())
        house.settle_down()
        return reference

    def test_one_that_is_won_brings_the_money_back(
        self, house: House, outside: DisputingOutside, order: Order, reference: str
    ) -> None:
        outside.open_dispute(reference)
        tell(house, outside)
        assert balances() == {"customers": 0, "disputes": 300, f"provider:{NAME}": 0, "revenue": -300}
        with pytest.raises(CaptureDisputed):
            house.give_back(order, amount_minor=100)
        outside.close_dispute(reference, is_won=True)
        tell(house, outside)
        assert Dispute.objects.get().state == "won"
        assert balances() == {"customers": 0, "disputes": 0, f"provider:{NAME}": 300, "revenue": -300}

    def test_one_that_is_lost_is_a_loss(self, house: House, outside: DisputingOutside, reference: str) -> None:
        outside.open_dispute(reference)
        tell(house, outside)
        outside.close_dispute(reference, is_won=False)
        tell(house, outside)
        assert Dispute.objects.get().state == "lost"
        assert balances() == {"customers": 0, "disputes": 0, "losses": 300, f"provider:{NAME}": 0, "revenue": -300}

    def test_its_end_told_first_and_everything_again_has_one_effect(
        self, house: House, outside: DisputingOutside, reference: str
    ) -> None:
        outside.open_dispute(reference)
        opened = outside.webhooks()
        outside.close_dispute(reference, is_won=False)
        ended = outside.webhooks()
        told: list[Webhook] = [*ended, *opened, *ended, *opened]
        deliver(told)
        house.settle_down()
        assert house.facts()[-2:] == ["dispute-opened", "dispute-ended"]
        assert balances()["losses"] == 300


def tell(house: House, outside: DisputingOutside) -> None:
    """The next webhook comes, and does what it does."""
    deliver(outside.webhooks())
    house.settle_down()
