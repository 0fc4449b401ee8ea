# SPDX-License-Identifier: Apache-2.0
"""What a payment provider's adapter must pass that keeps its payers' methods (`Capabilities.keeps`)."""

from dataclasses import replace
from typing import Protocol

import pytest

from tsuzuku.kernel.outcomes import OutcomeUnknown, Unavailable, Unsupported
from tsuzuku.payments.ports import EventKind, FailureReason, KeptMethod, PaymentProvider, PaymentRequest
from tsuzuku.testing.contracts.payment_provider import (
    DECLINES,
    ProviderOutside,
    a_payment,
    essence,
    hear,
    names,
)
from tsuzuku.testing.fakes import Outcome


class KeepingOutside(ProviderOutside, Protocol):
    """A provider that keeps methods, with their payers and banks."""

    def decline_next_charge(self, reason: FailureReason) -> None:
        """The bank will say no to the next charge of a method that was kept."""


def keep(provider: PaymentProvider, outside: ProviderOutside, *, method: str = "") -> KeptMethod:
    """Has a payment paid by a method that is kept; by the first that can be unless another is named."""
    request = replace(a_payment(provider, method=method or provider.capabilities.keeps[0]), keep=True)
    outside.pay(provider.start_payment(request).reference)
    kept = hear(provider, outside).kept
    assert kept is not None
    return kept


def a_charge(provider: PaymentProvider, kept: KeptMethod) -> PaymentRequest:
    """A charge of a method that was kept, which nobody has started before."""
    return replace(a_payment(provider, method=provider.capabilities.keeps[0]), kept_reference=kept.reference)


def find(provider: PaymentProvider, request: PaymentRequest) -> str | None:
    """The reference of a charge, as asking for it by its key tells."""
    found = provider.find_charge(key=request.key, kept_reference=request.kept_reference, created_at=request.created_at)
    return None if found is None else found.reference


class KeptMethodsContract:
    """Subclass it as `Test...` and give the fixtures of PaymentProviderContract; `outside` is a KeepingOutside."""

    def test_a_kept_method_is_charged_while_its_payer_is_away(
        self, provider: PaymentProvider, outside: KeepingOutside
    ) -> None:
        for method in provider.capabilities.keeps:
            kept = keep(provider, outside, method=method)
            assert kept.label
            request = replace(a_payment(provider, method=method, amount_minor=2380), kept_reference=kept.reference)
            started = provider.start_payment(request)
            assert (started.redirect_url, started.instructions) == ("", None)
            told = hear(provider, outside)
            assert (told.kind, told.amount) == (EventKind.CAPTURED, request.amount)
            assert names(told, request, started.reference)
            assert [essence(event) for event in provider.find_payment(started.reference)] == [essence(told)]

    def test_asking_tells_of_a_kept_method_too(self, provider: PaymentProvider, outside: KeepingOutside) -> None:
        request = replace(a_payment(provider, method=provider.capabilities.keeps[0]), keep=True)
        reference = provider.start_payment(request).reference
        outside.pay(reference)
        told = hear(provider, outside)
        assert [event.kept for event in provider.find_payment(reference)] == [told.kept]

    def test_nothing_is_kept_of_whom_it_was_not_asked(self, provider: PaymentProvider, outside: KeepingOutside) -> None:
        reference = provider.start_payment(a_payment(provider, method=provider.capabilities.keeps[0])).reference
        outside.pay(reference)
        assert hear(provider, outside).kept is None
        assert [event.kept for event in provider.find_payment(reference)] == [None]

    @pytest.mark.parametrize("reason", DECLINES)
    def test_a_charge_that_is_declined_is_an_event(
        self, provider: PaymentProvider, outside: KeepingOutside, reason: FailureReason
    ) -> None:
        request = a_charge(provider, keep(provider, outside))
        outside.decline_next_charge(reason)
        started = provider.start_payment(request)
        told = hear(provider, outside)
        assert (told.kind, told.failure) == (EventKind.FAILED, reason)
        assert names(told, request, started.reference)
        assert [essence(event) for event in provider.find_payment(started.reference)] == [essence(told)]
        assert provider.start_payment(request).reference == started.reference

    @pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.DONE_UNANSWERED])
    def test_after_an_unknown_outcome_the_key_leads_to_one_charge(
        self, provider: PaymentProvider, outside: KeepingOutside, outcome: Outcome
    ) -> None:
        request = a_charge(provider, keep(provider, outside))
        outside.next_call(outcome)
        with pytest.raises(OutcomeUnknown):
            provider.start_payment(request)
        found = find(provider, request)
        assert (found is None) == (outcome is Outcome.LOST)
        first, again = provider.start_payment(request), provider.start_payment(request)
        assert again.reference == first.reference == find(provider, request)
        assert found in {None, first.reference}
        assert hear(provider, outside).kind is EventKind.CAPTURED
        assert [event.kind for event in provider.find_payment(first.reference)] == [EventKind.CAPTURED]

    def test_asking_for_a_charge_that_is_not_answered_tells_nothing(
        self, provider: PaymentProvider, outside: KeepingOutside
    ) -> None:
        request = a_charge(provider, keep(provider, outside))
        outside.fail_next_lookup()
        with pytest.raises(Unavailable):
            find(provider, request)
        assert find(provider, request) is None

    def test_what_cannot_be_kept_is_refused(self, provider: PaymentProvider) -> None:
        for method in set(provider.capabilities.methods) - set(provider.capabilities.keeps):
            for asked in ({"keep": True}, {"kept_reference": "somebodys"}):
                with pytest.raises(Unsupported):
                    provider.start_payment(replace(a_payment(provider, method=method), **asked))
