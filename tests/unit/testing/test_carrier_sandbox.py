# SPDX-License-Identifier: Apache-2.0
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.simulators.carrier import MARGIN_SECONDS, CarrierSandbox, Mode
from tsuzuku.testing.simulators.server import listening

ICCID = "8981100000000000004"


class Running:
    """A sandbox that listens in this process."""

    def __init__(self, folder: Path) -> None:
        self.http = SandboxProcess([], folder=folder, env={})

    def activate(self, reference: str = "R-1", **fields: object) -> dict[str, object]:
        return self.http.post(
            "/activations", {"reference": reference, "iccid": ICCID, "plan_code": "1GB", "terms": {"days": 3}, **fields}
        )

    def refused(self, path: str, fields: dict[str, object]) -> int:
        with pytest.raises(HTTPError) as refusal:
            self.http.post(path, fields)
        refusal.value.close()
        return refusal.value.code


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with listening(CarrierSandbox(tmp_path, mode=Mode.LATER)):
        yield Running(tmp_path)


def test_answers_with_what_it_credited(running: Running) -> None:
    answered = running.activate()
    assert (answered["id"], answered["reference"], answered["terms"]) == ("A00000001", "R-1", {"days": 3})
    assert running.http.get(f"/cards/{ICCID}/activations") == {"activations": [answered]}
    assert running.http.get("/cards/none/activations") == {"activations": []}


def test_keeps_its_history_for_the_next_time(tmp_path: Path) -> None:
    for number in (1, 2):
        with listening(CarrierSandbox(tmp_path)):
            running = Running(tmp_path)
            running.activate(f"R-{number}")
            activations = running.http.get("/audit")["activations"]
            assert [(each["id"], each["reference"]) for each in activations] == [
                (f"A{count:08d}", f"R-{count}") for count in range(1, number + 1)
            ]


def test_credits_requests_that_come_together_each_once(running: Running) -> None:
    threads = [threading.Thread(target=running.activate, args=[f"R-{number}"]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    activations = running.http.get("/audit")["activations"]
    assert sorted(each["reference"] for each in activations) == sorted(f"R-{number}" for number in range(20))
    assert [each["id"] for each in activations] == [f"A{count:08d}" for count in range(1, 21)]


@pytest.mark.parametrize(
    "fields", [{"reference": ""}, {"reference": 7}, {"iccid": None}, {"plan_code": "x" * 256}, {"plan_code": []}]
)
def test_refuses_what_is_malformed(running: Running, fields: dict[str, object]) -> None:
    wanted: dict[str, object] = {"reference": "R-1", "iccid": ICCID, "plan_code": "1GB"}
    assert running.refused("/activations", {**wanted, **fields}) == 422
    assert running.http.get("/audit") == {"activations": []}


def test_refuses_everything_when_told_to(running: Running) -> None:
    running.http.post("/control", {"mode": "refuse"})
    assert running.refused("/activations", {"reference": "R-1", "iccid": ICCID, "plan_code": "1GB"}) == 422
    assert running.http.get("/audit") == {"activations": []}


def test_a_longer_delay_is_a_longer_promise(running: Running) -> None:
    assert running.http.post("/control", {"delay_seconds": 4}) == {
        "mode": "later",
        "settles_within_seconds": MARGIN_SECONDS + 4,
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"mode": "sometimes"}, 422),
        ({"delay_seconds": -1}, 422),
        ({"delay_seconds": "long"}, 422),
        ({"next": "fail"}, 400),
        ({"next": ["explode"]}, 400),
        ({"next": [{"seconds": 3}]}, 400),
        ({"next": [{"fault": "slow-answer", "seconds": "x"}]}, 400),
    ],
)
def test_takes_only_orders_that_it_understands(running: Running, fields: dict[str, object], status: int) -> None:
    assert running.refused("/control", fields) == status
    assert running.activate()["id"] == "A00000001"


def test_plays_faults_in_order_and_with_their_code(running: Running) -> None:
    running.http.post("/control", {"next": ["fail", {"fault": "refuse", "code": "card-blocked"}]})
    wanted: dict[str, object] = {"reference": "R-1", "iccid": ICCID, "plan_code": "1GB"}
    assert [running.refused("/activations", wanted) for _ in range(2)] == [503, 422]
    assert running.activate()["id"] == "A00000001"


def test_does_not_know_other_addresses(running: Running) -> None:
    assert running.refused("/activation", {}) == 404
