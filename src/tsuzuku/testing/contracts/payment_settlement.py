# SPDX-License-Identifier: Apache-2.0
"""What must hold of every payment provider's settlement files: its adapter reads what the provider wrote, whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import PaymentProvider, Settlement, SettlementKind, SettlementLine, SettlementMalformed
from tsuzuku.testing.contracts.payment_disputes import DisputingOutside
from tsuzuku.testing.contracts.payment_provider import ProviderOutside, Taken, a_refund, take

_DAY = timedelta(days=1)


class SettlingOutside(ProviderOutside, Protocol):
    """The provider behind the adapter, which also tells its own books as the file that an operator downloads."""

    def settlement(self, begins_at: datetime, ends_at: datetime) -> bytes:
        """Its books of a period."""


def read_whole(provider: PaymentProvider, body: bytes) -> Settlement:
    """What an adapter reads in a file that is its provider's."""
    settlement = provider.read_settlement(body)
    assert settlement is not None
    return settlement


class PaymentSettlementContract:
    """Subclass it as `Test...` with the fixtures of `PaymentProviderContract`, whose `outside` tells its books too."""

    @pytest.fixture
    def taken(self, provider: PaymentProvider, outside: SettlingOutside) -> Sequence[Taken]:
        """Two payments that were paid, of 1000 and 500."""
        return [take(provider, outside, amount_minor=amount) for amount in (1000, 500)]

    @pytest.fixture
    def body(self, outside: SettlingOutside, taken: Sequence[Taken]) -> bytes:
        """The provider's file of yesterday, today and tomorrow."""
        return outside.settlement(clock.now() - _DAY, clock.now() + _DAY)

    def test_tells_every_capture_by_the_reference_of_its_event(
        self, provider: PaymentProvider, taken: Sequence[Taken], body: bytes
    ) -> None:
        wanted = [(each.capture.capture_reference, each.capture.amount) for each in taken]
        lines = _of(read_whole(provider, body), wanted)
        assert [(line.capture_reference, line.amount) for line in lines] == wanted
        assert {line.kind for line in lines} == {SettlementKind.CAPTURE}
        for line, each in zip(lines, taken, strict=True):
            assert abs(line.booked_at - each.capture.occurred_at) <= timedelta(seconds=1)

    def test_tells_every_refund_by_its_reference_or_our_key(
        self, provider: PaymentProvider, outside: SettlingOutside, taken: Sequence[Taken]
    ) -> None:
        requests = [a_refund(taken[0], amount) for amount in (600, 400)]
        ours = [{request.key, provider.refund(request).reference} for request in requests]
        outside.end_refunds()
        outside.webhooks(2)
        settlement = read_whole(provider, outside.settlement(clock.now() - _DAY, clock.now() + _DAY))
        names = set.union(*ours)
        if not settlement.names_refunds:
            capture = taken[0].capture.capture_reference
            refunds = [line for line in settlement.lines if line.kind is SettlementKind.REFUND]
            names = {line.reference for line in refunds if line.capture_reference == capture}
            ours = [names, names]
        lines = [line for line in settlement.lines if line.reference in names]
        assert sorted(line.amount.amount_minor for line in lines) == [400, 600]
        assert {line.kind for line in lines} == {SettlementKind.REFUND}
        assert {line.capture_reference for line in lines} == {taken[0].capture.capture_reference}
        assert all(any(line.reference in names for line in lines) for names in ours)

    def test_tells_only_of_its_period(
        self, provider: PaymentProvider, outside: SettlingOutside, taken: Sequence[Taken]
    ) -> None:
        long_ago = clock.now() - 400 * _DAY
        assert read_whole(provider, outside.settlement(long_ago, long_ago + _DAY)).lines == ()

    def test_numbers_its_lines_as_they_stand_in_the_file(
        self, provider: PaymentProvider, taken: Sequence[Taken], body: bytes
    ) -> None:
        numbers = [line.number for line in read_whole(provider, body).lines]
        assert numbers == sorted(set(numbers))
        assert 1 <= numbers[0] <= numbers[-1] <= body.count(b"\n")

    @pytest.mark.parametrize("left", [1, 2, 5, 20])
    def test_refuses_a_file_that_is_cut_off(self, provider: PaymentProvider, body: bytes, left: int) -> None:
        with pytest.raises(SettlementMalformed) as caught:
            provider.read_settlement(body[:-left])
        assert caught.value.particulars.keys() == {"line", "expected"}

    def test_leaves_files_of_others_alone(self, provider: PaymentProvider) -> None:
        for body in (b"", b"\n", b"\0\xff\xfe", b"a,b,c\n1,2,3\n", b"{}", "日付,金額\n".encode("shift_jis")):
            assert provider.read_settlement(body) is None


class DisputedOutside(SettlingOutside, DisputingOutside, Protocol):
    """A provider whose captures can be disputed, and which tells its books."""


class DisputeSettlementContract:
    """Subclass it as `Test...` with the same fixtures, for a provider whose captures can be disputed."""

    def test_tells_what_a_dispute_took_and_gave_back(self, provider: PaymentProvider, outside: DisputedOutside) -> None:
        taken = take(provider, outside)
        capture = taken.capture.capture_reference

        def kinds() -> list[tuple[SettlementKind, Money]]:
            outside.webhooks()
            settlement = read_whole(provider, outside.settlement(clock.now() - _DAY, clock.now() + _DAY))
            return [(line.kind, line.amount) for line in settlement.lines if line.capture_reference == capture]

        outside.open_dispute(taken.reference)
        amount = taken.request.amount
        opened = [(SettlementKind.CAPTURE, amount), (SettlementKind.DISPUTE, amount)]
        assert kinds() == opened
        outside.close_dispute(taken.reference, is_won=True)
        assert kinds() == [*opened, (SettlementKind.DISPUTE_RETURNED, amount)]


def _of(settlement: Settlement, wanted: Sequence[tuple[str | None, Money | None]]) -> list[SettlementLine]:
    """The lines that tell of these captures; what a simulator was asked before stands in its books too."""
    references = [reference for reference, _ in wanted]
    return [line for line in settlement.lines if line.capture_reference in references]
