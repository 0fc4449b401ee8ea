# SPDX-License-Identifier: Apache-2.0
"""What a payment provider's adapter must pass that tells when a payer's bank takes money back."""

from typing import Protocol

import pytest

from tsuzuku.payments.ports import EventKind, PaymentProvider, ProviderEvent
from tsuzuku.testing.contracts.payment_provider import ProviderOutside, hear, take


class DisputingOutside(ProviderOutside, Protocol):
    """A provider whose payers' banks dispute."""

    def open_dispute(self, reference: str) -> None:
        """The payer's bank takes the whole of a payment back, as fraudulent."""

    def close_dispute(self, reference: str, *, is_won: bool) -> None:
        """The dispute about a payment ends; one that is won brings the money back."""


class DisputesContract:
    """Subclass it as `Test...` and give the fixtures of PaymentProviderContract; `outside` is a DisputingOutside."""

    def test_a_dispute_names_what_was_captured(self, provider: PaymentProvider, outside: DisputingOutside) -> None:
        taken = take(provider, outside)
        outside.open_dispute(taken.reference)
        told = hear(provider, outside)
        assert (told.kind, told.amount) == (EventKind.DISPUTE_OPENED, taken.request.amount)
        assert told.capture_reference == taken.capture.capture_reference
        assert told.dispute_reference
        assert told.dispute_reason
        assert (told.failure, told.refund_key) == (None, None)
        assert [matter(event) for event in provider.find_payment(taken.reference)] == [
            matter(taken.capture),
            matter(told),
        ]

    @pytest.mark.parametrize(("is_won", "kind"), [(True, EventKind.DISPUTE_WON), (False, EventKind.DISPUTE_LOST)])
    def test_a_dispute_ends_under_its_own_name(
        self, provider: PaymentProvider, outside: DisputingOutside, is_won: bool, kind: EventKind
    ) -> None:
        taken = take(provider, outside)
        outside.open_dispute(taken.reference)
        opened = hear(provider, outside)
        outside.close_dispute(taken.reference, is_won=is_won)
        ended = hear(provider, outside)
        assert (ended.kind, ended.dispute_reference) == (kind, opened.dispute_reference)
        assert ended.capture_reference == taken.capture.capture_reference
        assert ended.event_id != opened.event_id
        assert [matter(event) for event in provider.find_payment(taken.reference)] == [
            matter(taken.capture),
            matter(opened),
            matter(ended),
        ]

    def test_a_webhook_of_a_dispute_sent_again_carries_the_same_event(
        self, provider: PaymentProvider, outside: DisputingOutside
    ) -> None:
        taken = take(provider, outside)
        outside.open_dispute(taken.reference)
        first = hear(provider, outside)
        outside.deliver_again(first.event_id)
        assert hear(provider, outside) == first


def matter(event: ProviderEvent) -> tuple[object, ...]:
    """What must be equal between a webhook and what is found by asking, whoever an event names its payment to."""
    return (event.kind, event.capture_reference, event.amount, event.dispute_reference, event.dispute_reason)
