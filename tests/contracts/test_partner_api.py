# SPDX-License-Identifier: Apache-2.0
"""docs/contracts/partner-api.md, row by row and rule by rule, over HTTP to a served installation."""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contracts.served import BALANCE, CARDS, CREDIT_LIMIT, Served, iccid
from tsuzuku.kernel.signatures import check_signature
from tsuzuku.testing.receiver import receiving

NDJSON = {"Content-Type": "application/x-ndjson"}
PLAN, PRICE = "GB-3-30D", 990
RENEWAL_FIELDS = [
    "number", "state", "iccid", "plan", "price", "remaining_bytes", "online_until", "receipt_url",
]  # fmt: skip


@pytest.fixture
def acme(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def fleet(served: Served) -> Iterator[httpx.Client]:
    with served.client("fleet") as client:
        yield client


def renew(client: httpx.Client, card: str, plan: str = PLAN, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid4())}
    return client.post("/renewals", json={"iccid": card, "plan": plan}, headers=headers)


def ndjson(*lines: object) -> bytes:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()


def wish(card: str, plan: str = PLAN, key: str | None = None) -> dict[str, str]:
    return {"key": key or str(uuid4()), "iccid": card, "plan": plan}


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/x-ndjson"), response.text
    return [json.loads(line) for line in response.text.splitlines()]


def balance(client: httpx.Client) -> int:
    return int(client.get("/account").json()["balance"]["amount_minor"])


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem, as RFC 9457 wants it."""
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"/api/v1/docs#{problem['code']}"
    return response.status_code, problem["code"]


def answer_on(connection: socket.socket) -> httpx.Response:
    """What a connection answers, whatever was sent."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


# -- calls -------------------------------------------------------------------------------------------------------------


def test_get_card(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    assert acme.get(f"/cards/{card}").json() == {
        "iccid": card, "status": "fresh", "kind": "sim", "remaining_bytes": 0, "daily_remaining_bytes": None,
        "online_until": None, "measured_at": None, "lots": [],
    }  # fmt: skip
    online_until = renew(acme, card).json()["online_until"]
    found = acme.get(f"/cards/{card}").json()
    (lot,) = found.pop("lots")
    assert found == {
        "iccid": card, "status": "active", "kind": "sim", "remaining_bytes": 3 * 10**9, "daily_remaining_bytes": None,
        "online_until": online_until, "measured_at": None,
    }  # fmt: skip
    starts_at = lot.pop("starts_at")
    assert starts_at.endswith("Z")
    assert isinstance(lot.pop("id"), int)
    assert lot == {
        "plan": PLAN, "kind": "data", "state": "running", "total_bytes": 3 * 10**9, "remaining_bytes": 3 * 10**9,
        "ends_at": online_until,
    }  # fmt: skip


def test_null_bytes_mean_unlimited(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    assert renew(acme, card, "DAY-7").json()["remaining_bytes"] is None
    found = acme.get(f"/cards/{card}").json()
    assert (found["remaining_bytes"], found["daily_remaining_bytes"]) == (None, 2 * 10**9)


def test_lots_of_kind_voice_and_message(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card, "VOICE-3-30D")
    lots = acme.get(f"/cards/{card}").json()["lots"]
    assert {lot["kind"]: lot["total_bytes"] for lot in lots} == {"data": 3 * 10**9, "voice": 3600, "message": 50}


def test_get_plans_with_a_preview_or_why_the_card_cannot_take_it_now(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    plans = {plan["code"]: plan for plan in acme.get(f"/cards/{card}/plans").json()["plans"]}
    boost = plans["BOOST-1"]
    assert (boost["refused"], boost["preview"]) == ("nothing-to-join", None)
    plan = plans[PLAN]
    assert list(plan) == ["code", "name", "price", "refused", "preview"]
    assert (plan["price"], plan["refused"]) == ({"amount_minor": PRICE, "currency": "JPY"}, None)
    assert plan["preview"]["remaining_bytes"] == 3 * 10**9
    assert plan["preview"]["online_until"] == renew(acme, card).json()["online_until"]
    assert plan["preview"]["expires"] == []
    assert "FLEET-1" not in plans
    assert plans["ONE"]["price"] == {"amount_minor": 90, "currency": "JPY"}


def test_a_preview_says_what_expires_before_the_card_goes_offline(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    first = renew(acme, card, "GB-1-7D-X").json()
    plans = {plan["code"]: plan for plan in acme.get(f"/cards/{card}/plans").json()["plans"]}
    assert plans[PLAN]["preview"]["expires"] == [{"bytes": 10**9, "at": first["online_until"]}]


def test_start_a_lot_that_waits_for_a_tap(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    assert renew(acme, card, "UNL-24H").json()["online_until"] is None
    (lot,) = acme.get(f"/cards/{card}").json()["lots"]
    assert (lot["state"], lot["starts_at"]) == ("waiting", None)
    started = acme.post(f"/cards/{card}/lots/{lot['id']}/start")
    assert (started.status_code, started.json()["lots"][0]["state"]) == (200, "running")
    assert acme.post(f"/cards/{card}/lots/{lot['id']}/start").json() == started.json()


def test_only_a_lot_of_this_card_that_waits_for_a_tap_is_started(served: Served, acme: httpx.Client) -> None:
    card, other = served.new_card(), served.new_card()
    renew(acme, card, "ASIA-5-15D")
    (lot,) = acme.get(f"/cards/{card}").json()["lots"]
    assert refused(acme.post(f"/cards/{card}/lots/{lot['id']}/start")) == (409, "lot-not-startable")
    for wrong in (f"/cards/{other}/lots/{lot['id']}/start", f"/cards/{card}/lots/x/start"):
        assert refused(acme.post(wrong)) == (404, "lot-unknown")


def test_post_renewals_is_201_paid_from_the_account(served: Served, acme: httpx.Client) -> None:
    card, before = served.new_card(), balance(acme)
    answer = renew(acme, card)
    renewal = answer.json()
    assert (answer.status_code, list(renewal)) == (201, RENEWAL_FIELDS)
    assert "Idempotent-Replayed" not in answer.headers
    assert (renewal["state"], renewal["iccid"], renewal["plan"]) == ("active", card, PLAN)
    assert renewal["price"] == {"amount_minor": PRICE, "currency": "JPY"}
    # A stranger with the link sees the order; the number alone opens nothing.
    assert renewal["receipt_url"].startswith(f"http://{served.address}/o/{renewal['number']}/k/")
    shown = httpx.get(renewal["receipt_url"], follow_redirects=True)
    assert (shown.status_code, shown.url.path) == (200, f"/o/{renewal['number']}")
    assert httpx.get(f"http://{served.address}/o/{renewal['number']}").status_code == 404
    assert balance(acme) == before - PRICE


def test_post_batch_answers_a_line_each_in_the_same_order(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    lines = [wish(card, key="one"), wish(card, "NIX", key="two"), wish(served.new_card(), key="three")]
    first, second, third = answers(acme.post("/renewals/batch", content=ndjson(*lines), headers=NDJSON))
    assert [first["key"], second["key"], third["key"]] == ["one", "two", "three"]
    assert [first["replayed"], second["replayed"], third["replayed"]] == [False, False, False]
    assert set(first) == {"key", "replayed", *RENEWAL_FIELDS}
    assert (second["code"], second["status"]) == ("plan-unknown", 404)
    assert (third["state"], third["iccid"]) == ("active", lines[2]["iccid"])


def test_get_renewal_with_its_history(served: Served, acme: httpx.Client) -> None:
    renewal = renew(acme, served.new_card()).json()
    found = acme.get(f"/renewals/{renewal['number']}").json()
    (entry,) = found.pop("history")
    assert found == renewal
    assert entry["state"] == "active"
    spelled = renewal["number"].lower().replace("-", " ")
    assert acme.get(f"/renewals/{spelled}").json()["number"] == renewal["number"]


def test_another_partners_renewal_is_unknown(served: Served, acme: httpx.Client, fleet: httpx.Client) -> None:
    number = renew(acme, served.new_card()).json()["number"]
    for unknown in (number, "no number", "4KX9P-7TRWC"):
        assert refused(fleet.get(f"/renewals/{unknown}")) == (404, "renewal-unknown")


def test_post_usage(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card)
    at = datetime.now(UTC).isoformat()
    readings = [{"record_id": f"r{n}", "iccid": card, "bytes": 1000, "ended_at": at} for n in (1, 2, 2)]
    body = ndjson(*readings, "{", "", readings[0] | {"bytes": -1}, readings[0] | {"ended_at": "2014-12-31T00:00:00Z"})
    taken = acme.post("/usage", content=body, headers=NDJSON)
    assert (taken.status_code, taken.json()) == (200, {
        "accepted": 2, "duplicates": 1, "kept_aside": 0, "unserved_bytes": 0, "throttled_bytes": 0,
        "refused": [
            {"line": 4, "code": "line-malformed"},
            {"line": 6, "code": "bytes-absurd"},
            {"line": 7, "code": "time-absurd"},
        ],
    })  # fmt: skip
    found = acme.get(f"/cards/{card}").json()
    assert found["remaining_bytes"] == 3 * 10**9 - 2000
    assert datetime.fromisoformat(found["measured_at"]) == datetime.fromisoformat(at)


def test_get_account(acme: httpx.Client, fleet: httpx.Client) -> None:
    account = acme.get("/account").json()
    assert account == {
        "balance": {"amount_minor": account["balance"]["amount_minor"], "currency": "JPY"},
        "credit_limit": {"amount_minor": CREDIT_LIMIT, "currency": "JPY"},
    }
    assert 0 < account["balance"]["amount_minor"] <= BALANCE


def test_openapi_and_docs_need_no_key(served: Served) -> None:
    document = httpx.get(f"{served.base}/openapi.json", trust_env=False)
    assert (document.headers["Content-Type"], document.json()["openapi"]) == ("application/json", "3.1.0")
    page = httpx.get(f"{served.base}/docs", trust_env=False)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script" not in page.headers["Content-Security-Policy"]
    for code in document.json()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]:
        assert f'id="{code}"' in page.text


# -- addresses and methods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/account/", "/cards", "/cards/", "/cards/%FF", "/renewals/a/b"])
def test_an_unknown_address_is_a_problem(served: Served, path: str) -> None:
    assert refused(httpx.get(served.base + path, trust_env=False)) == (404, "path-unknown")


def test_another_method_is_told_which_are_taken(acme: httpx.Client) -> None:
    wrong = acme.put("/renewals")
    assert (refused(wrong), wrong.headers["Allow"]) == ((405, "method-not-allowed"), "POST")
    wrong = acme.request("OPTIONS", "/account")
    assert (refused(wrong), wrong.headers["Allow"]) == ((405, "method-not-allowed"), "GET, HEAD")


def test_head_is_get_without_its_body(served: Served, acme: httpx.Client) -> None:
    head, get = acme.head("/account"), acme.get("/account")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


# -- keys of the API ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer nothing", "Basic YTpi", "Bearer \xff", "Bearer " + "a" * 9000]
)
def test_an_unknown_key_is_401(served: Served, header: str) -> None:
    answer = httpx.get(f"{served.base}/account", headers={b"Authorization": header.encode("latin-1")}, trust_env=False)
    assert refused(answer) == (401, "key-unknown")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_two_keys_at_once_are_401(served: Served) -> None:
    header = ("Authorization", f"Bearer {served.keys['acme']}")
    assert refused(httpx.get(f"{served.base}/account", headers=[header, header], trust_env=False))[0] == 401


def test_the_scheme_may_be_written_in_any_case(served: Served) -> None:
    header = {"Authorization": f"bEARER {served.keys['acme']}"}
    assert httpx.get(f"{served.base}/account", headers=header, trust_env=False).status_code == 200


def test_a_stranger_hears_of_the_key_first(served: Served) -> None:
    for path in ("/renewals", "/renewals/batch", "/usage"):
        answer = httpx.post(served.base + path, content=b"{" * 500_000, trust_env=False)
        assert refused(answer) == (401, "key-unknown") if path != "/renewals" else (413, "body-too-large")


def test_a_key_without_the_scope_is_403(served: Served) -> None:
    with served.client("account") as client:
        assert client.get("/account").status_code == 200
        card = iccid(0)
        for answer in (
            client.get(f"/cards/{card}"),
            client.get(f"/cards/{card}/plans"),
            client.post(f"/cards/{card}/lots/1/start"),
            client.post("/renewals", content=b"{"),
            client.post("/renewals/batch", content=b"{"),
            client.get("/renewals/4KX9P-7TRWC"),
            client.post("/usage", content=b"{"),
        ):
            assert refused(answer) == (403, "scope-missing")


def test_a_revoked_key_is_refused_at_once(served: Served) -> None:
    with served.client("revoked") as client:
        assert client.get("/account").status_code == 200
        served.tsuzuku("api-key", "revoke", served.revoked_id)
        assert refused(client.get("/account")) == (401, "key-unknown")


def test_too_many_calls_in_a_second_are_429_with_retry_after(served: Served) -> None:
    with served.client("slow") as client:
        last = [client.get("/account") for _ in range(2)][-1]
        assert (refused(last), last.headers["Retry-After"]) == ((429, "rate-limited"), "1")
        time.sleep(1.1)
        body = ndjson(*(wish(iccid(0), "NIX") for _ in range(50)))
        assert len(answers(client.post("/renewals/batch", content=body, headers=NDJSON))) == 50


# -- who may what ------------------------------------------------------------------------------------------------------


def test_every_call_answers_everybody_as_it_should(served: Served, acme: httpx.Client) -> None:
    """A walk over every address of the document as everybody, as tests/unit/channels/web does over the pages."""
    card = served.new_card()
    number = renew(acme, card, "UNL-24H").json()["number"]
    (lot,) = acme.get(f"/cards/{card}").json()["lots"]
    document = acme.get("/openapi.json").json()
    bodies = {"/renewals": json.dumps({"iccid": card, "plan": PLAN}), "/renewals/batch": json.dumps(wish(card))}
    revoked = json.loads(served.tsuzuku("api-key", "create", "--partner", "acme", "--scope", "cards:read", "--json"))
    served.tsuzuku("api-key", "revoke", str(revoked["id"]))
    #: Nobody, a stranger, a key that was revoked, one of another partner, one of ours without the scope, one with it.
    keys = ["", "tsz_1_x", revoked["key"], served.keys["fleet"], served.keys["account"], served.keys["acme"]]

    answers: dict[str, list[int]] = {}
    for path, calls in document["paths"].items():
        for method in sorted(calls.keys() & {"get", "post", "put", "patch", "delete"}):
            filled = path.replace("{iccid}", card).replace("{id}", str(lot["id"])).replace("{number}", number)
            answers[f"{method} {path}"] = [
                httpx.request(
                    method,
                    served.base + filled,
                    content=bodies.get(path),
                    headers={"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())} if key else {},
                    trust_env=False,
                ).status_code
                for key in keys
            ]
    assert answers == {
        "get /cards/{iccid}": [401, 401, 401, 404, 403, 200],
        "get /cards/{iccid}/plans": [401, 401, 401, 404, 403, 200],
        "post /cards/{iccid}/lots/{id}/start": [401, 401, 401, 404, 403, 200],
        "post /renewals": [401, 401, 401, 404, 403, 201],
        # The line is answered in its place.
        "post /renewals/batch": [401, 401, 401, 200, 403, 200],
        "get /renewals/{number}": [401, 401, 401, 404, 403, 200],
        "post /usage": [401, 401, 401, 200, 403, 200],
        "get /account": [401, 401, 401, 200, 200, 200],
    }


def test_no_log_names_a_key_or_a_card(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card, "NIX")
    # Mistyped addresses lead to the pages.
    for path in (f"/api/v2/cards/{card}", f"//api/v1/cards/{card}", f"/api/v1;/cards/{card}?key={served.keys['acme']}"):
        assert httpx.get(f"http://{served.address}{path}", trust_env=False).status_code == 404
    logs = "".join(path.read_text() for path in sorted(served.home.rglob("*.log")))
    assert (card in logs, any(key in logs for key in served.keys.values())) == (False, False)


# -- idempotency keys --------------------------------------------------------------------------------------------------


def test_the_same_key_with_the_same_plan_is_the_same_answer(served: Served, acme: httpx.Client) -> None:
    card, key, before = served.new_card(), str(uuid4()), balance(acme)
    first, second = renew(acme, card, key=key), renew(acme, card, key=key)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert balance(acme) == before - PRICE


def test_the_same_key_with_another_plan_is_409(served: Served, acme: httpx.Client) -> None:
    card, key = served.new_card(), str(uuid4())
    renew(acme, card, key=key)
    assert refused(renew(acme, card, "DAY-1", key=key)) == (409, "idempotency-key-reused")


def test_a_key_belongs_to_a_card(served: Served, acme: httpx.Client) -> None:
    key = str(uuid4())
    first, second = renew(acme, served.new_card(), key=key), renew(acme, served.new_card(), key=key)
    assert (second.status_code, second.json()["number"] != first.json()["number"]) == (201, True)


def test_a_key_belongs_to_a_partner(served: Served, acme: httpx.Client, fleet: httpx.Client) -> None:
    card, key = served.new_fleet_card(), str(uuid4())
    first = renew(acme, card, "FLEET-1", key=key)
    second = renew(fleet, card, "FLEET-1", key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["number"] != second.json()["number"]


def test_a_key_is_the_same_in_single_and_batch_calls(served: Served, acme: httpx.Client) -> None:
    line = wish(served.new_card())
    single = renew(acme, line["iccid"], key=line["key"]).json()
    again, other = answers(acme.post("/renewals/batch", content=ndjson(line, line | {"plan": "DAY-1"}), headers=NDJSON))
    assert again == {"key": line["key"], "replayed": True} | single
    assert (other["key"], other["code"], other["replayed"]) == (line["key"], "idempotency-key-reused", False)


@pytest.mark.parametrize("key", ["k", "k" * 255, "~ !", '"quoted"'])
def test_a_key_is_1_to_255_printable_ascii_characters(served: Served, acme: httpx.Client, key: str) -> None:
    assert renew(acme, served.new_card(), key=key).status_code == 201


@pytest.mark.parametrize("key", ["k" * 256, "", "t\tb", "ü"])
def test_any_other_key_is_malformed(acme: httpx.Client, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = acme.post("/renewals", json={"iccid": iccid(0), "plan": PLAN}, headers=headers)
    assert refused(answer) == (400, "idempotency-key-malformed")


def test_two_keys_are_malformed_and_none_is_missing(acme: httpx.Client) -> None:
    fields = {"iccid": iccid(0), "plan": PLAN}
    twice = [("Idempotency-Key", "k"), ("Idempotency-Key", "k")]
    assert refused(acme.post("/renewals", json=fields, headers=twice)) == (400, "idempotency-key-malformed")
    assert refused(acme.post("/renewals", json=fields)) == (400, "idempotency-key-missing")


def test_after_a_refusal_the_same_key_may_be_tried_again(served: Served, fleet: httpx.Client) -> None:
    card, key = served.new_fleet_card(), str(uuid4())
    assert refused(renew(fleet, card, "DAY-7", key=key)) == (402, "funds-insufficient")
    served.tsuzuku("partner", "top-up", "fleet", "3000", "--reference", str(uuid4()))
    answer = renew(fleet, card, "DAY-7", key=key)
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)


def test_the_same_key_in_two_processes_at_once_is_one_renewal_and_one_answer(
    served: Served, acme: httpx.Client
) -> None:
    def ask(_: int) -> httpx.Response:
        # A connection of its own, so that either web process may get it.
        with served.client() as client:
            return renew(client, card, key=key)

    for _ in range(5):
        card, key, before = served.new_card(), str(uuid4()), balance(acme)
        with ThreadPoolExecutor(12) as threads:
            told = list(threads.map(ask, range(12)))
        assert {(answer.status_code, answer.content) for answer in told} == {(201, told[0].content)}
        assert sum("Idempotent-Replayed" not in answer.headers for answer in told) == 1
        assert balance(acme) == before - PRICE


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_card_that_is_not_this_partners_is_unknown(served: Served, fleet: httpx.Client) -> None:
    for card in (served.new_card(), iccid(900_000)):
        assert refused(fleet.get(f"/cards/{card}")) == (404, "card-unknown")
        assert refused(fleet.get(f"/cards/{card}/plans")) == (404, "card-unknown")
        assert refused(fleet.post(f"/cards/{card}/lots/1/start")) == (404, "card-unknown")
        assert refused(renew(fleet, card)) == (404, "card-unknown")
        (line,) = answers(fleet.post("/renewals/batch", content=ndjson(wish(card)), headers=NDJSON))
        assert line["code"] == "card-unknown"


def test_refusals_of_a_renewal(served: Served, acme: httpx.Client) -> None:
    card, suspended, lost = served.new_card(), served.new_card(), served.new_card()
    served.sql(f"UPDATE cards_card SET blocked = 'suspended' WHERE iccid = '{suspended}'")
    served.sql(f"UPDATE cards_card SET blocked = 'lost' WHERE iccid = '{lost}'")
    assert refused(renew(acme, card, "NIX")) == (404, "plan-unknown")
    assert refused(renew(acme, card, "\0")) == (404, "plan-unknown")
    assert refused(renew(acme, card, "FLEET-1")) == (409, "plan-not-for-card")
    assert refused(renew(acme, suspended)) == (409, "card-suspended")
    assert refused(renew(acme, lost)) == (409, "card-suspended")
    assert acme.get(f"/cards/{suspended}").json()["status"] == "suspended"
    assert acme.get(f"/cards/{lost}").json()["status"] == "lost"
    assert refused(renew(acme, card, "BOOST-1")) == (409, "nothing-to-join")
    assert refused(renew(acme, iccid(CARDS - 1))) == (409, "card-expired")
    assert renew(acme, card, "ONE").status_code == 201
    assert refused(renew(acme, card, "ONE")) == (409, "stack-full")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"iccid":"%(card)s"}', b'{"iccid":1,"plan":"DAY-1"}', b"[" * 60_000,
     b'{"iccid":"a","iccid":"b","plan":"DAY-1"}', '{"iccid":"1","plan":"x"}'.encode("utf-16")],
)  # fmt: skip
def test_a_malformed_body_is_400(acme: httpx.Client, body: bytes) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    assert refused(acme.post("/renewals", content=body, headers=headers)) == (400, "body-malformed")


def test_another_media_type_or_encoding_is_415(acme: httpx.Client) -> None:
    for path, headers in (
        ("/renewals", {"Idempotency-Key": "k", "Content-Type": "text/plain"}),
        ("/renewals", {"Idempotency-Key": "k", "Content-Encoding": "br"}),
        ("/renewals/batch", {"Content-Type": "application/json"}),
        ("/renewals/batch", NDJSON | {"Content-Encoding": "br"}),
        ("/usage", NDJSON | {"Content-Encoding": "gzip, gzip"}),
        ("/usage", {"Content-Type": "text/csv"}),
    ):
        assert refused(acme.post(path, content=b"{}", headers=headers)) == (415, "media-type-unsupported")


def test_a_body_that_is_too_large_is_413(acme: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    assert refused(acme.post("/renewals", content=b" " * 70_000, headers=headers)) == (413, "body-too-large")
    assert refused(acme.post("/renewals/batch", content=b" " * 16_000_001, headers=NDJSON)) == (413, "body-too-large")


# -- ICCID -------------------------------------------------------------------------------------------------------------


def test_an_iccid_is_taken_in_every_form_and_answered_with_19_digits(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    full_width = card.translate({ord(digit): ord(digit) - ord("0") + ord("０") for digit in "0123456789"})
    spaced = " ".join(card[start : start + 4] for start in range(0, 19, 4))
    for form in (card, f"{card}F", f"{card}f", card[:18], spaced, full_width):
        assert acme.get(f"/cards/{form}").json()["iccid"] == card
        assert renew(acme, form).json()["iccid"] == card


def test_any_other_iccid_is_422(acme: httpx.Client) -> None:
    card = iccid(0)
    wrong_digit = card[:18] + str((int(card[18]) + 1) % 10)
    for form in (wrong_digit, card[:17], f"{card}0", f"{card[:18]}F", "x", "a%2Fb"):
        assert refused(acme.get(f"/cards/{form}")) == (422, "iccid-malformed")
    assert refused(renew(acme, wrong_digit)) == (422, "iccid-malformed")
    assert refused(renew(acme, "")) == (422, "iccid-malformed")


# -- batch -------------------------------------------------------------------------------------------------------------


def test_lines_apply_in_order_each_as_far_as_funds_allow(served: Served, fleet: httpx.Client) -> None:
    left = balance(fleet)
    count = left // 100
    cards = [served.new_fleet_card()] * (count + 2)
    told = answers(
        fleet.post("/renewals/batch", content=ndjson(*(wish(card, "FLEET-1") for card in cards)), headers=NDJSON)
    )
    assert [line.get("state", line.get("code")) for line in told] == ["active"] * count + ["funds-insufficient"] * 2
    assert balance(fleet) == left - 100 * count


def test_a_bad_line_fails_alone_and_blank_lines_are_ignored(served: Served, acme: httpx.Client) -> None:
    good = wish(served.new_card())
    body = ndjson(
        "", "{", "  ", "[]", '"x"', {"iccid": "x"}, {"key": 1, "iccid": "x", "plan": "x"}, {"key": "k"},
        {"key": "k", "iccid": 1, "plan": "x"}, {"key": "k", "iccid": "1", "plan": "x"},
        {"key": "k" * 256, "iccid": good["iccid"], "plan": PLAN}, "\t", good,
    ) + b'\xff{"key":"k"}\n\r\n'  # fmt: skip
    told = answers(acme.post("/renewals/batch", content=body, headers=NDJSON))
    assert [(line["key"], line.get("code", line.get("state"))) for line in told] == [
        (None, "line-malformed"), (None, "line-malformed"), (None, "line-malformed"), (None, "line-malformed"),
        (None, "line-malformed"), ("k", "line-malformed"), ("k", "line-malformed"), ("k", "iccid-malformed"),
        ("k" * 256, "idempotency-key-malformed"), (good["key"], "active"), (None, "line-malformed"),
    ]  # fmt: skip
    assert [line["replayed"] for line in told] == [False] * 11


def test_the_same_key_twice_in_one_batch(served: Served, acme: httpx.Client) -> None:
    line, before = wish(served.new_card()), balance(acme)
    first, again, other = answers(
        acme.post("/renewals/batch", content=ndjson(line, line, line | {"plan": "DAY-1"}), headers=NDJSON)
    )
    assert again == first | {"replayed": True}
    assert (other["code"], other["status"]) == ("idempotency-key-reused", 409)
    assert balance(acme) == before - PRICE


def test_hundreds_of_lines_for_one_card(served: Served, acme: httpx.Client) -> None:
    """Each stands behind all before it."""
    card, before = served.new_card(), balance(acme)
    told = answers(
        acme.post("/renewals/batch", content=ndjson(*(wish(card, "GB-1-3D") for _ in range(600))), headers=NDJSON)
    )
    assert {line["state"] for line in told} == {"active"}
    assert [line["online_until"] for line in told] == sorted({line["online_until"] for line in told})
    found = acme.get(f"/cards/{card}").json()
    assert (len(found["lots"]), found["online_until"]) == (600, told[-1]["online_until"])
    assert balance(acme) == before - 600 * 300


def test_a_body_that_is_cut_in_a_line_keeps_what_stands_before_it(served: Served, acme: httpx.Client) -> None:
    line, card = wish(served.new_card()), served.new_card()
    body = ndjson(line, wish(served.new_card()))[:-20]
    told = answers(acme.post("/renewals/batch", content=body, headers=NDJSON))
    assert [(each["key"], each.get("state", each.get("code"))) for each in told] == [
        (line["key"], "active"), (None, "line-malformed"),
    ]  # fmt: skip
    renew(acme, card)
    now = datetime.now(UTC)
    body = ndjson(reading(card, "a", 5, now), reading(card, "b", 5, now))[:-20]
    taken = acme.post("/usage", content=body, headers=NDJSON).json()
    assert (taken["accepted"], taken["refused"]) == (1, [{"line": 2, "code": "line-malformed"}])


def test_one_line_too_many_is_413_and_nothing_is_applied(served: Served, acme: httpx.Client) -> None:
    before = balance(acme)
    body = ndjson(wish(served.new_card()), *[{}] * 10_000)
    assert refused(acme.post("/renewals/batch", content=body, headers=NDJSON)) == (413, "body-too-large")
    assert balance(acme) == before


def test_ten_thousand_lines_are_taken_at_once(served: Served, acme: httpx.Client) -> None:
    before, cards = balance(acme), [served.new_card() for _ in range(100)]
    lines = [wish(cards[number % 100], "GB-1-3D") for number in range(1000)] + [{}] * 9000
    body = gzip.compress(ndjson(*lines))
    told = answers(acme.post("/renewals/batch", content=body, headers=NDJSON | {"Content-Encoding": "gzip"}))
    assert [line["key"] for line in told] == [line.get("key") for line in lines]
    assert balance(acme) == before - 1000 * 300
    again = answers(acme.post("/renewals/batch", content=body, headers=NDJSON | {"Content-Encoding": "gzip"}))
    assert again == [line | {"replayed": line["key"] is not None} for line in told]


def test_gzip_that_is_cut_or_none_is_400_and_one_that_unpacks_too_far_is_413(acme: httpx.Client) -> None:
    packed, headers = gzip.compress(ndjson(*[wish(iccid(0))] * 50)), NDJSON | {"Content-Encoding": "gzip"}
    before = balance(acme)
    for path in ("/renewals/batch", "/usage"):
        for body in (packed[:-9], packed[:40], b"{}", packed + b"x"):
            assert refused(acme.post(path, content=body, headers=headers)) == (400, "body-malformed")
        bomb = gzip.compress(b"\n" * 40_000_000)
        assert refused(acme.post(path, content=bomb, headers=headers)) == (413, "body-too-large")
    assert balance(acme) == before


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_a_client_that_hangs_up_half_way_applies_nothing(served: Served, acme: httpx.Client, framing: str) -> None:
    before, lines = balance(acme), [wish(served.new_card()) for _ in range(3)]
    body = ndjson(*lines)
    host, _, port = served.address.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /api/v1/renewals/batch HTTP/1.1\r\nHost: {served.address}\r\nAuthorization: Bearer "
        connection.sendall(f"{head}{served.keys['acme']}\r\nContent-Type: application/x-ndjson\r\n".encode())
        if framing == "chunked":
            connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(body), body))
        else:
            connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body) + 1, body))
        time.sleep(0.2)
    time.sleep(0.3)
    assert balance(acme) == before
    told = answers(acme.post("/renewals/batch", content=body, headers=NDJSON))
    assert [line["replayed"] for line in told] == [False, False, False]


def test_a_partner_who_sends_slowly_keeps_back_nobody_else(served: Served, fleet: httpx.Client) -> None:
    host, _, port = served.address.partition(":")
    with ExitStack() as connections:
        for _ in range(40):
            connection = connections.enter_context(socket.create_connection((host, int(port))))
            head = (
                f"POST /api/v1/usage HTTP/1.1\r\nHost: {served.address}\r\nAuthorization: Bearer {served.keys['acme']}"
            )
            connection.sendall(f"{head}\r\nContent-Length: 1000\r\n\r\n{{".encode())
        time.sleep(0.5)
        for path in ("/usage", "/renewals/batch"):
            assert fleet.post(path, content=b"{}", headers=NDJSON, timeout=10).status_code == 200


@pytest.mark.parametrize("path", ["/renewals", "/renewals/batch", "/usage"])
def test_a_body_whose_framing_is_broken_is_400(served: Served, path: str) -> None:
    host, _, port = served.address.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /api/v1{path} HTTP/1.1\r\nHost: {served.address}\r\nAuthorization: Bearer {served.keys['acme']}"
        connection.sendall(f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{{}}{{}}\n\r\nno length\r\n".encode())
        answer = answer_on(connection)
    assert refused(answer) == (400, "body-malformed")


# -- usage -------------------------------------------------------------------------------------------------------------


def reading(card: str, record_id: str, used: int, at: datetime) -> dict[str, object]:
    return {"record_id": record_id, "iccid": card, "bytes": used, "ended_at": at.isoformat()}


def test_a_record_counts_once_however_often_and_in_whatever_order_it_arrives(
    served: Served, acme: httpx.Client
) -> None:
    card = served.new_card()
    renew(acme, card)
    now = datetime.now(UTC)
    first, second = reading(card, "a", 10, now), reading(card, "b", 20, now + timedelta(seconds=1))
    told = [
        acme.post("/usage", content=ndjson(*body), headers=NDJSON).json()
        for body in ([second], [first, second], [second, first])
    ]
    assert [(taken["accepted"], taken["duplicates"]) for taken in told] == [(1, 0), (1, 1), (0, 2)]
    assert acme.get(f"/cards/{card}").json()["remaining_bytes"] == 3 * 10**9 - 30


def test_what_nothing_can_serve_is_unserved(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    taken = acme.post("/usage", content=ndjson(reading(card, "a", 700, datetime.now(UTC))), headers=NDJSON).json()
    assert (taken["accepted"], taken["unserved_bytes"]) == (1, 700)


def test_what_is_over_the_days_allowance_is_throttled(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card, "DAY-7")
    body = ndjson(reading(card, "a", 2 * 10**9 + 5, datetime.now(UTC)))
    assert acme.post("/usage", content=body, headers=NDJSON).json()["throttled_bytes"] == 5
    assert acme.get(f"/cards/{card}").json()["daily_remaining_bytes"] == 0


def test_records_of_unknown_cards_and_of_anothers_are_kept_aside(
    served: Served, acme: httpx.Client, fleet: httpx.Client
) -> None:
    now = datetime.now(UTC)
    told = acme.post("/usage", content=ndjson(reading(iccid(900_001), "a", 1, now)), headers=NDJSON).json()
    assert (told["accepted"], told["kept_aside"]) == (1, 1)
    card = served.new_card()
    renew(acme, card)
    told = fleet.post("/usage", content=ndjson(reading(card, "a", 1000, now)), headers=NDJSON).json()
    assert (told["accepted"], told["kept_aside"]) == (1, 1)
    assert acme.get(f"/cards/{card}").json()["remaining_bytes"] == 3 * 10**9


def test_lines_of_a_body_are_drawn_in_order_of_time(served: Served, acme: httpx.Client) -> None:
    """In the order of the lines the lot, which starts at its first use, would start too late for the second of them."""
    card = served.new_card()
    renew(acme, card, "ASIA-5-15D")
    now = datetime.now(UTC)
    body = ndjson(reading(card, "a", 10, now + timedelta(minutes=2)), reading(card, "b", 7, now))
    taken = acme.post("/usage", content=body, headers=NDJSON).json()
    assert (taken["accepted"], taken["unserved_bytes"]) == (2, 0)
    assert acme.get(f"/cards/{card}").json()["remaining_bytes"] == 5 * 10**9 - 17


def test_what_comes_late_is_taken_from_what_ran_then_and_has_something_left(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card)
    before = datetime.now(UTC)
    renew(acme, card)
    emptied = reading(card, "a", 3 * 10**9, datetime.now(UTC) + timedelta(minutes=2))
    assert acme.post("/usage", content=ndjson(emptied), headers=NDJSON).json()["unserved_bytes"] == 0
    # Both lots end on the same day, so the older was emptied; the younger did not run yet.
    late = [reading(card, "b", 5, before), reading(card, "c", 6, before + timedelta(minutes=1))]
    told = [acme.post("/usage", content=ndjson(line), headers=NDJSON).json()["unserved_bytes"] for line in late]
    assert told == [5, 0]
    assert acme.get(f"/cards/{card}").json()["remaining_bytes"] == 3 * 10**9 - 6


def test_absurd_amounts_and_times_are_refused_per_line(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card)
    now = datetime.now(UTC)
    good = reading(card, "good", 1, now)
    wrong: list[tuple[dict[str, object], str]] = [
        ({"bytes": -1}, "bytes-absurd"), ({"bytes": 10**13 + 1}, "bytes-absurd"), ({"bytes": 10**300}, "bytes-absurd"),
        ({"ended_at": "2014-12-31T23:59:59Z"}, "time-absurd"), ({"ended_at": "9999-12-31T23:59:59Z"}, "time-absurd"),
        ({"ended_at": (now + timedelta(hours=1, minutes=5)).isoformat()}, "time-absurd"),
        ({"bytes": 1.5}, "line-malformed"), ({"bytes": True}, "line-malformed"), ({"bytes": "1"}, "line-malformed"),
        ({"ended_at": "2026-02-30T00:00:00Z"}, "line-malformed"), ({"ended_at": "2026-02-03"}, "line-malformed"),
        ({"record_id": ""}, "line-malformed"), ({"record_id": "a\0"}, "line-malformed"),
        ({"iccid": "1"}, "line-malformed"),
    ]  # fmt: skip
    lines = [good | fields for fields, _ in wrong]
    # Right at the edge is taken.
    edges: list[dict[str, object]] = [
        {"record_id": "e1", "bytes": 0},
        {"record_id": "e2", "ended_at": (now + timedelta(minutes=59)).isoformat()},
    ]
    body = ndjson(*lines, good, *(good | edge for edge in edges))
    taken = acme.post("/usage", content=body, headers=NDJSON).json()
    assert taken["refused"] == [{"line": number, "code": code} for number, (_, code) in enumerate(wrong, start=1)]
    assert (taken["accepted"], acme.get(f"/cards/{card}").json()["remaining_bytes"]) == (3, 3 * 10**9 - 2)


def test_records_kept_aside_are_drawn_when_the_card_appears(served: Served, acme: httpx.Client) -> None:
    number, now = iccid(910_000), datetime.now(UTC)
    told = acme.post("/usage", content=ndjson(reading(number, "a", 4000, now)), headers=NDJSON).json()
    assert (told["accepted"], told["kept_aside"], told["unserved_bytes"]) == (1, 1, 0)
    stock = served.home / "later.csv"
    stock.write_text(f"ICCID,Type,PIN,Group,Expiry\n{number},SIM,1234,,2099/12/31\n")
    served.tsuzuku("import", "cards", str(stock))
    until = time.monotonic() + 30
    while (found := acme.get(f"/cards/{number}").json())["measured_at"] is None:
        assert time.monotonic() < until, found
        time.sleep(0.2)
    assert datetime.fromisoformat(found["measured_at"]) == now
    again = acme.post("/usage", content=ndjson(reading(number, "a", 4000, now)), headers=NDJSON).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)


def test_fifty_thousand_lines_of_usage_and_not_one_more(served: Served, acme: httpx.Client) -> None:
    card = served.new_card()
    renew(acme, card)
    now = datetime.now(UTC)
    body = ndjson(reading(card, "a", 100, now), *["{}"] * 50_000)
    assert refused(acme.post("/usage", content=body, headers=NDJSON)) == (413, "body-too-large")
    assert acme.get(f"/cards/{card}").json()["remaining_bytes"] == 3 * 10**9
    body = ndjson(*(reading(card, f"r{number}", 1, now) for number in range(50_000)))
    headers = NDJSON | {"Content-Encoding": "gzip"}
    assert acme.post("/usage", content=gzip.compress(body), headers=headers).json()["accepted"] == 50_000
    assert acme.get(f"/cards/{card}").json()["remaining_bytes"] == 3 * 10**9 - 50_000


# -- later -------------------------------------------------------------------------------------------------------------


def ended(client: httpx.Client, number: str) -> Mapping[str, Any]:
    """A renewal once it is no longer under way."""
    until = time.monotonic() + 30
    while (found := client.get(f"/renewals/{number}").json())["state"] == "activating":
        assert time.monotonic() < until, found
        time.sleep(0.1)
    return dict(found)


def test_with_a_carrier_that_does_not_confirm_at_once(served: Served, acme: httpx.Client) -> None:
    with receiving(tls=served.authority.server("localhost"), host="localhost") as receiver:
        printed = served.tsuzuku("partner", "set-webhook", "acme", receiver.url, "--json")
        secret = json.loads(printed)["secret"]
        try:
            _credited_later(served, acme)
            told = receiver.take()
            _refused_later(served, acme)
            told += receiver.take()
        finally:
            served.carrier("instant")
        bodies = []
        for headers, body in told:
            check_signature(headers["Tsuzuku-Signature"], body=body, secrets=[secret], now=datetime.now(UTC))
            bodies.append(json.loads(body))
        assert [body["type"] for body in bodies] == ["renewal.active", "renewal.refused"]
        assert [list(body) for body in bodies] == [["id", "type", "at", "renewal"]] * 2
        assert [body["renewal"]["state"] for body in bodies] == ["active", "withdrawn"]
        assert list(bodies[0]["renewal"]) == RENEWAL_FIELDS


def _credited_later(served: Served, acme: httpx.Client) -> None:
    served.carrier("later")
    card, key, before = served.new_card(), str(uuid4()), balance(acme)
    first = renew(acme, card, key=key)
    expected = first.json()
    assert (first.status_code, expected["state"], expected["remaining_bytes"]) == (201, "activating", 3 * 10**9)
    found = ended(acme, expected["number"])
    assert [entry["state"] for entry in found["history"]] == ["activating", "active"]
    assert (found["remaining_bytes"], balance(acme)) == (3 * 10**9, before - PRICE)
    again = renew(acme, card, key=key)
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


def _refused_later(served: Served, acme: httpx.Client) -> None:
    served.carrier("refuse")
    before = balance(acme)
    renewal = renew(acme, served.new_card()).json()
    assert renewal["state"] == "activating"
    found = ended(acme, renewal["number"])
    assert [entry["state"] for entry in found["history"]] == ["activating", "refused", "withdrawn"]
    assert (found["state"], found["remaining_bytes"], balance(acme)) == ("withdrawn", 0, before)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://169.254.169.254/"])
def test_a_webhook_goes_to_public_https_addresses_only(served: Served, url: str) -> None:
    with pytest.raises(AssertionError, match="webhook-address-refused"):
        served.tsuzuku("partner", "set-webhook", "fleet", url)


# -- when the database goes away ---------------------------------------------------------------------------------------


def test_while_the_database_is_away_503_with_retry_after(served: Served, acme: httpx.Client) -> None:
    assert acme.get("/account").status_code == 200
    with served.database_away():
        for answer in (
            acme.get("/account"),
            acme.get(f"/cards/{iccid(0)}"),
            renew(acme, iccid(0)),
            acme.post("/renewals/batch", content=ndjson(wish(iccid(0))), headers=NDJSON),
        ):
            assert refused(answer) == (503, "try-again")
            assert int(answer.headers["Retry-After"]) > 0
    assert acme.get("/account").status_code == 200


def test_what_a_batch_applied_before_the_database_went_away_stays(served: Served, acme: httpx.Client) -> None:
    before, cards = balance(acme), [served.new_card() for _ in range(300)]
    lines = [wish(cards[number % 300], "GB-1-3D") for number in range(3000)]
    with ThreadPoolExecutor(1) as threads, served.client() as other:
        under_way = threads.submit(other.post, "/renewals/batch", content=ndjson(*lines), headers=NDJSON)
        while balance(acme) == before:
            time.sleep(0.01)
        with served.database_away():
            told = answers(under_way.result())
    assert [line["key"] for line in told] == [line["key"] for line in lines]
    applied = {place: line for place, line in enumerate(told) if "state" in line}
    assert 0 < len(applied) < len(lines)
    assert {line["code"] for place, line in enumerate(told) if place not in applied} == {"try-again"}
    again = answers(acme.post("/renewals/batch", content=ndjson(*lines), headers=NDJSON))
    assert {place: again[place] for place in applied} == {
        place: line | {"replayed": True} for place, line in applied.items()
    }
    assert {line["state"] for line in again} == {"active"}
    assert balance(acme) == before - 3000 * 300


# -- at the end --------------------------------------------------------------------------------------------------------


def test_the_audit_is_clean(served: Served) -> None:
    assert json.loads(served.tsuzuku("audit", "--json"))["findings"] == []
