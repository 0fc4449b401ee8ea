# SPDX-License-Identifier: Apache-2.0
"""The carriers that come with Tsuzuku, against the contract."""

import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tsuzuku.carriers.adapters.sandbox import SandboxCarrier
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.testing.contracts.carrier import CarrierContract, a_request
from tsuzuku.testing.fakes import FakeCarrier, Outcome
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.simulators.carrier import MARGIN_SECONDS
from tsuzuku.testing.simulators.faults import FaultKind

FAULTS = {
    Outcome.REFUSED: FaultKind.REFUSE,
    Outcome.UNAVAILABLE: FaultKind.FAIL,
    Outcome.DONE_UNANSWERED: FaultKind.NO_ANSWER,
    Outcome.LOST: FaultKind.LOSE,
}


def sandbox_process(home: Path, *arguments: str) -> SandboxProcess:
    """The command `tsuzuku carrier-sandbox` in a home of its own."""
    return SandboxProcess(
        [sys.executable, "-m", "tsuzuku.project.cli", "carrier-sandbox", *arguments],
        folder=home / "carrier-sandbox",
        env={"TSUZUKU_HOME": str(home)},
    )


class SandboxOutside:
    """The sandbox as the contract wants to hold it."""

    def __init__(self, process: SandboxProcess) -> None:
        self.process = process

    def next_activation(self, outcome: Outcome) -> None:
        self.process.post("/control", {"next": [FAULTS[outcome]]})

    def fail_next_history(self) -> None:
        self.process.post("/control", {"next_history": ["lose"]})

    def stop(self) -> None:
        self.process.kill()

    def start(self) -> None:
        self.process.start()

    def credited(self, iccid: Iccid) -> list[str]:
        activations = self.process.get("/audit")["activations"]
        return [each["reference"] for each in activations if each["iccid"] == iccid]


class FakeOutside:
    """The fake as the contract wants to hold it."""

    def __init__(self, fake: FakeCarrier) -> None:
        self.fake = fake

    def next_activation(self, outcome: Outcome) -> None:
        self.fake.script.add(outcome)

    def fail_next_history(self) -> None:
        self.fake.history_script.add(Outcome.UNAVAILABLE)

    def stop(self) -> None:
        self.fake.is_down = True

    def start(self) -> None:
        self.fake.is_down = False

    def credited(self, iccid: Iccid) -> list[str]:
        return [each.request.reference for each in self.fake.history if each.request.iccid == iccid]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A sandbox that answers as soon as it has credited."""
    process = sandbox_process(tmp_path_factory.mktemp("home"), "--mode", "later")
    process.start()
    yield process
    process.kill()


class TestSandboxCarrier(CarrierContract):
    """The adapter and the process."""

    @pytest.fixture
    def carrier(self, process: SandboxProcess) -> SandboxCarrier:
        return SandboxCarrier(process.folder)

    @pytest.fixture
    def outside(self, process: SandboxProcess) -> SandboxOutside:
        return SandboxOutside(process)


class TestFakeCarrier(CarrierContract):
    """The double that other tests use."""

    @pytest.fixture
    def carrier(self) -> FakeCarrier:
        return FakeCarrier()

    @pytest.fixture
    def outside(self, carrier: FakeCarrier) -> FakeOutside:
        return FakeOutside(carrier)


class TestSandboxModes:
    """What only the sandbox does."""

    def test_without_a_sandbox_it_confirms_at_once(self, tmp_path: Path) -> None:
        carrier = SandboxCarrier(tmp_path / "carrier-sandbox")
        assert carrier.capabilities.confirms_at_once
        with pytest.raises(Unavailable):
            carrier.activate(a_request())

    def test_started_again_it_changes_the_one_that_runs(self, process: SandboxProcess) -> None:
        carrier = SandboxCarrier(process.folder)
        second = sandbox_process(process.folder.parent, "--mode", "refuse", "--delay", "3")
        with pytest.raises(RuntimeError, match="exit code 0"):
            second.start()
        with pytest.raises(Rejected, match="sandbox-refuses"):
            carrier.activate(a_request())
        assert carrier.capabilities.settles_within_seconds == MARGIN_SECONDS + 3
        told = []
        for mode in ("instant", "later"):
            process.post("/control", {"mode": mode, "delay_seconds": 0})
            told.append(carrier.capabilities.confirms_at_once)
        assert told == [True, False]

    def test_killed_after_crediting_it_comes_back_where_it_was(self, process: SandboxProcess) -> None:
        carrier = SandboxCarrier(process.folder)
        url = process.url
        request = a_request()
        process.post("/control", {"next": ["die"]})
        with pytest.raises(OutcomeUnknown):
            carrier.activate(request)
        assert process.wait() == -9
        process.start()
        assert process.url == url
        found = carrier.find_activation(iccid=request.iccid, reference=request.reference)
        assert found is not None

    @pytest.mark.parametrize("fault", ["slow-answer", "slow-apply"])
    def test_a_slow_one_is_given_up_and_found_later(self, process: SandboxProcess, fault: str) -> None:
        carrier = SandboxCarrier(process.folder)
        request = a_request()
        process.post("/control", {"next": [{"fault": fault, "seconds": 5.5}]})
        with pytest.raises(OutcomeUnknown):
            carrier.activate(request)
        found = carrier.find_activation(iccid=request.iccid, reference=request.reference)
        assert (found is not None) == (fault == "slow-answer")
        # The slow one is credited half a second after we gave up.
        until = time.monotonic() + carrier.capabilities.settles_within_seconds
        while found is None and time.monotonic() < until:
            time.sleep(0.1)
            found = carrier.find_activation(iccid=request.iccid, reference=request.reference)
        assert found is not None

    def test_told_to_end_it_ends_well(self, tmp_path: Path) -> None:
        process = sandbox_process(tmp_path, "--mode", "later")
        process.start()
        assert process.stop() == 0
        carrier = SandboxCarrier(process.folder)
        assert not carrier.capabilities.confirms_at_once
        with pytest.raises(Unavailable):
            carrier.activate(a_request())

    def test_asked_twice_it_credits_twice(self, process: SandboxProcess) -> None:
        carrier = SandboxCarrier(process.folder)
        request = a_request()
        carrier.activate(request)
        carrier.activate(request)
        assert SandboxOutside(process).credited(request.iccid) == [request.reference, request.reference]

    def test_a_request_that_is_too_old_is_never_applied(self, process: SandboxProcess) -> None:
        request = a_request()
        fields = {"reference": request.reference, "iccid": request.iccid, "plan_code": request.plan_code}
        sent_at = clock.now() - timedelta(seconds=MARGIN_SECONDS + 1)
        with pytest.raises(HTTPError) as refusal:
            process.post("/activations", fields, **{"Request-Time": sent_at.isoformat()})
        refusal.value.close()
        assert refusal.value.code == 408
        assert SandboxOutside(process).credited(request.iccid) == []
