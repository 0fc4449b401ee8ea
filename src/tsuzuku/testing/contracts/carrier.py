# SPDX-License-Identifier: Apache-2.0
"""What every carrier's adapter must pass."""

import secrets
from datetime import timedelta
from typing import Protocol

import pytest

from tsuzuku.carriers.ports import Activation, ActivationRequest, Carrier
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.testing.fakes import Outcome


class CarrierOutside(Protocol):
    """The carrier behind the adapter, as the test holds it in its hands: a simulator or a scripted server."""

    def next_activation(self, outcome: Outcome) -> None:
        """Sets what the next activation comes to: REFUSED, UNAVAILABLE, DONE_UNANSWERED or LOST."""

    def fail_next_history(self) -> None:
        """The next question for a history is not answered."""

    def stop(self) -> None:
        """Nobody is there until `start`."""

    def start(self) -> None:
        """The carrier is there again, with the history it had."""

    def credited(self, iccid: Iccid) -> list[str]:
        """The references credited to a card, oldest first, by the carrier's own books."""


def a_request(*, iccid: Iccid | None = None) -> ActivationRequest:
    """A request that nobody has made before, for a card that is nobody's."""
    digits = f"8981{secrets.randbelow(10**14):014d}"
    return ActivationRequest(
        reference=f"R-{secrets.randbelow(10**12):012d}",
        iccid=iccid or Iccid(digits + luhn_digit(digits)),
        plan_code="1GB-3D",
        terms={"data_bytes": 1_000_000_000, "days": 3},
    )


class CarrierContract:
    """Subclass it as `Test...` and give two fixtures: `carrier`, the adapter, and `outside`, a CarrierOutside."""

    def test_answers_with_what_its_history_then_holds(self, carrier: Carrier, outside: CarrierOutside) -> None:
        request = a_request()
        before = clock.now()
        activation = carrier.activate(request)
        assert activation.reference == request.reference
        assert activation.carrier_reference
        assert activation.raw
        assert before - timedelta(minutes=5) < activation.credited_at < clock.now() + timedelta(minutes=5)
        assert _essence(carrier.find_activation(iccid=request.iccid, reference=request.reference)) == _essence(
            activation
        )
        assert outside.credited(request.iccid) == [request.reference]

    def test_finds_none_for_what_was_never_asked(self, carrier: Carrier) -> None:
        asked, other = a_request(), a_request()
        carrier.activate(asked)
        assert carrier.find_activation(iccid=asked.iccid, reference=other.reference) is None
        assert carrier.find_activation(iccid=other.iccid, reference=asked.reference) is None

    def test_tells_two_activations_of_a_card_apart(self, carrier: Carrier, outside: CarrierOutside) -> None:
        first = a_request()
        second = a_request(iccid=first.iccid)
        activations = [carrier.activate(first), carrier.activate(second)]
        found = [carrier.find_activation(iccid=each.iccid, reference=each.reference) for each in (first, second)]
        assert [_essence(each) for each in found] == [_essence(each) for each in activations]
        assert activations[0].carrier_reference != activations[1].carrier_reference
        assert outside.credited(first.iccid) == [first.reference, second.reference]

    def test_a_refusal_is_final_and_credits_nothing(self, carrier: Carrier, outside: CarrierOutside) -> None:
        request = a_request()
        outside.next_activation(Outcome.REFUSED)
        with pytest.raises(Rejected) as refusal:
            carrier.activate(request)
        assert refusal.value.code
        assert carrier.find_activation(iccid=request.iccid, reference=request.reference) is None
        assert outside.credited(request.iccid) == []

    def test_a_failure_credits_nothing_and_may_be_tried_again(self, carrier: Carrier, outside: CarrierOutside) -> None:
        request = a_request()
        outside.next_activation(Outcome.UNAVAILABLE)
        with pytest.raises(Unavailable):
            carrier.activate(request)
        assert outside.credited(request.iccid) == []
        carrier.activate(request)
        assert outside.credited(request.iccid) == [request.reference]

    def test_what_was_credited_without_an_answer_is_found(self, carrier: Carrier, outside: CarrierOutside) -> None:
        request = a_request()
        outside.next_activation(Outcome.DONE_UNANSWERED)
        with pytest.raises(OutcomeUnknown):
            carrier.activate(request)
        found = carrier.find_activation(iccid=request.iccid, reference=request.reference)
        assert found is not None
        assert found.reference == request.reference
        assert outside.credited(request.iccid) == [request.reference]

    def test_what_was_lost_is_not_found(self, carrier: Carrier, outside: CarrierOutside) -> None:
        request = a_request()
        outside.next_activation(Outcome.LOST)
        with pytest.raises(OutcomeUnknown):
            carrier.activate(request)
        assert carrier.find_activation(iccid=request.iccid, reference=request.reference) is None
        assert outside.credited(request.iccid) == []

    def test_a_history_that_cannot_be_read_is_not_an_empty_one(self, carrier: Carrier, outside: CarrierOutside) -> None:
        request = a_request()
        carrier.activate(request)
        outside.fail_next_history()
        with pytest.raises(Unavailable):
            carrier.find_activation(iccid=request.iccid, reference=request.reference)

    def test_nobody_there_is_unavailable_and_the_history_outlives_it(
        self, carrier: Carrier, outside: CarrierOutside
    ) -> None:
        before, during = a_request(), a_request()
        activation = carrier.activate(before)
        outside.stop()
        with pytest.raises(Unavailable):
            carrier.activate(during)
        with pytest.raises(Unavailable):
            carrier.find_activation(iccid=before.iccid, reference=before.reference)
        outside.start()
        assert _essence(carrier.find_activation(iccid=before.iccid, reference=before.reference)) == _essence(activation)
        assert outside.credited(during.iccid) == []

    def test_says_when_a_request_can_be_taken_for_lost(self, carrier: Carrier) -> None:
        assert carrier.capabilities.settles_within_seconds > 0


def _essence(activation: Activation | None) -> tuple[object, ...] | None:
    """What must be equal between an answer and the history; the bodies may differ."""
    if activation is None:
        return None
    return (activation.reference, activation.carrier_reference, activation.credited_at)
