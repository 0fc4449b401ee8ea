# SPDX-License-Identifier: Apache-2.0
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tsuzuku.carriers.adapters.sandbox import SandboxCarrier
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.outcomes import OutcomeUnknown, Unavailable
from tsuzuku.kernel.whole_files import write_whole
from tsuzuku.testing.contracts.carrier import a_request

Answering = Callable[[int, str], SandboxCarrier]
GOOD = {"id": "A1", "reference": "R-1", "credited_at": "2026-11-21T09:00:00+09:00"}


class _Canned(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        status, body = self.server.canned
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - the name that the base class calls

    def log_message(self, _template: str, *_words: object) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    canned: tuple[int, str]


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    """A carrier that gives one answer to everything."""
    server = _Server(("127.0.0.1", 0), _Canned)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def make(status: int, body: str) -> SandboxCarrier:
        server.canned = (status, body)
        address = {"url": f"http://127.0.0.1:{server.server_port}", "mode": "later", "settles_within_seconds": 7}
        write_whole(tmp_path / "address.json", json.dumps(address))
        return SandboxCarrier(tmp_path)

    yield make
    server.shutdown()
    server.server_close()


def test_reads_how_the_carrier_behaves_whenever_that_changes(answering: Answering, tmp_path: Path) -> None:
    carrier = answering(201, "{}")
    seen = [carrier.capabilities]
    write_whole(tmp_path / "address.json", json.dumps({"url": "x", "mode": "instant", "settles_within_seconds": 12}))
    seen.append(carrier.capabilities)
    assert [(each.confirms_at_once, each.settles_within_seconds) for each in seen] == [(False, 7), (True, 12)]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        json.dumps({**GOOD, "credited_at": "2026-11-21T09:00:00"}),
        json.dumps({**GOOD, "credited_at": "soon"}),
        json.dumps({**GOOD, "credited_at": None}),
        json.dumps({**GOOD, "credited_at": 1_795_219_200}),
    ],
)
def test_a_yes_that_cannot_be_read_leaves_the_outcome_unknown(answering: Answering, body: str) -> None:
    with pytest.raises(OutcomeUnknown, match="answer-malformed"):
        answering(201, body).activate(a_request())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "{}"),
        (200, '{"activations": 7}'),
        (200, '{"activations": [{}]}'),
        (200, '{"activations": [7]}'),
        (200, json.dumps({"activations": [{**GOOD, "credited_at": None}]})),
        (404, "{}"),
        (500, "{}"),
        (503, "{}"),
    ],
)
def test_a_history_that_cannot_be_read_is_unavailable(answering: Answering, status: int, body: str) -> None:
    with pytest.raises(Unavailable):
        answering(status, body).find_activation(iccid=Iccid("8981100000000000004"), reference="R-1")


def test_finds_the_one_with_our_reference(answering: Answering) -> None:
    others = [{**GOOD, "id": "A0", "reference": "R-0"}, GOOD]
    carrier = answering(200, json.dumps({"activations": others}))
    found = carrier.find_activation(iccid=Iccid("8981100000000000004"), reference="R-1")
    assert found is not None
    assert (found.carrier_reference, found.credited_at.isoformat()) == ("A1", "2026-11-21T09:00:00+09:00")
    assert json.loads(found.raw) == GOOD
