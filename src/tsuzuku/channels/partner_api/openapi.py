# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document: the calls of docs/contracts/partner-api.md as machines read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from tsuzuku.channels.partner_api import calls_batch, calls_usage
from tsuzuku.channels.partner_api.http import BASE, JSON, NDJSON, PROBLEM, PROBLEMS
from tsuzuku.channels.partner_api.long_calls import OCTETS
from tsuzuku.channels.partner_api.request import SHORT_BYTES_MAX
from tsuzuku.sellers.scopes import Scope

Schema = Mapping[str, Any]

#: What any call may answer, whatever it is about.
ALWAYS: Final = ("key-unknown", "scope-missing", "rate-limited", "try-again")
_RENEWAL_REFUSALS: Final = (
    "card-unknown",
    "iccid-malformed",
    "plan-unknown",
    "plan-not-for-card",
    "card-suspended",
    "stack-full",
    "card-expired",
    "nothing-to-join",
    "funds-insufficient",
    "idempotency-key-reused",
    "idempotency-key-malformed",
)
_BODY: Final = ("body-malformed", "body-too-large", "media-type-unsupported")


@dataclass(frozen=True, kw_only=True)
class CallPage:
    """One call as it is written down. `about` is for people, in a few sentences."""

    method: str
    path: str
    name: str
    summary: str
    about: str
    scope: Scope
    answer: str
    problems: Sequence[str]
    status: HTTPStatus = HTTPStatus.OK
    body: Schema | None = None
    parameters: Sequence[Schema] = field(default=())
    headers: Mapping[str, Schema] = field(default_factory=dict)


# -- schemas -----------------------------------------------------------------------------------------------------------


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Mapping[str, Schema], *, optional: Sequence[str] = (), **more: object) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, **more}


def _text(about: str = "", **more: object) -> Schema:
    return {"type": "string"} | ({"description": about} if about else {}) | more


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _count(about: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": about}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_TIME: Final = _text("RFC 3339, in UTC.", format="date-time", examples=["2026-04-15T00:00:00Z"])
_ICCID: Final = _text("The 19 digits.", pattern="^[0-9]{19}$", examples=["8981102026990000015"])
#: A pattern cannot say what a check digit is, and a document that promises numbers which are refused helps nobody.
_ASKED_ICCID: Final = _text(
    "The 18 digits before the check digit. The whole 19, spaces, and a filler F after them are taken just as well.",
    pattern="^[0-9]{18}$",
    examples=["898110202699000001"],
)
_PLAN: Final = _text("A plan's code.", examples=["DAY-7"])
_BYTES: Final = {"type": "integer", "minimum": 0}
_BYTES_OR_UNLIMITED: Final = {"type": ["integer", "null"], "minimum": 0, "description": "Null is unlimited."}
_RENEWAL_STATES: Final = ["active", "activating", "refused", "withdrawn"]
_KEY: Final = {"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}

_RENEWAL: Final[Mapping[str, Schema]] = {
    "number": _text("For people: any case and spacing finds it again.", examples=["4KX9P-7TRWC"]),
    "state": _text(enum=_RENEWAL_STATES),
    "iccid": _ICCID,
    "plan": _PLAN,
    "price": _ref("Money"),
    "remaining_bytes": {
        **_BYTES_OR_UNLIMITED,
        "description": "What the card has of data; expected while activating. Null is unlimited.",
    },
    "online_until": _or_null({**_TIME, "description": "Until when the card is online; expected while activating."}),
    "receipt_url": _text("Where everything about it stands, for people.", format="uri"),
}
_REPLAYED: Final[Mapping[str, Schema]] = {
    "key": {"type": ["string", "null"], "description": "The line's key; null if it could not be read."},
    "replayed": {"type": "boolean", "description": "Whether this renewal was made before, by the same key."},
}
_PROBLEM_FIELDS: Final[Mapping[str, Schema]] = {
    "type": _text("Where the problem is explained.", format="uri-reference"),
    "title": _text("What to do, in a sentence."),
    "status": {"type": "integer"},
    "code": _text("Stable: rely on this.", enum=sorted(PROBLEMS)),
    "detail": _text("More about this very case."),
}

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Money": _object(
        {
            "amount_minor": {"type": "integer", "description": "In minor units; yen have none smaller."},
            "currency": _text("ISO 4217.", pattern="^[A-Z]{3}$", examples=["JPY"]),
        }
    ),
    "Lot": _object(
        {
            "id": {"type": "integer"},
            "plan": _PLAN,
            "kind": _text(enum=["data", "voice", "message"]),
            "state": _text(enum=["waiting", "running", "used_up", "expired", "lapsed"]),
            "total_bytes": {
                **_BYTES_OR_UNLIMITED,
                "description": "Seconds or messages in other kinds. Null is unlimited.",
            },
            "remaining_bytes": _BYTES_OR_UNLIMITED,
            "starts_at": _or_null(_TIME),
            "ends_at": _or_null(_TIME),
        }
    ),
    "Card": _object(
        {
            "iccid": _ICCID,
            "status": _text(enum=["fresh", "active", "expired", "suspended", "lost"]),
            "kind": _text(enum=["sim", "esim"]),
            "remaining_bytes": _BYTES_OR_UNLIMITED,
            "daily_remaining_bytes": {
                **_BYTES_OR_UNLIMITED,
                "description": "What is left at full speed today; null without a daily limit.",
            },
            "online_until": _or_null(_TIME),
            "measured_at": _or_null({**_TIME, "description": "When the newest reading was measured."}),
            "lots": _list(_ref("Lot")),
        }
    ),
    "Preview": _object(
        {
            "remaining_bytes": _BYTES_OR_UNLIMITED,
            "online_until": _or_null(_TIME),
            "expires": _list(_object({"bytes": _BYTES, "at": _TIME})),
        }
    ),
    "Plans": _object(
        {
            "plans": _list(
                _object(
                    {
                        "code": _PLAN,
                        "name": _text("In English."),
                        "price": _ref("Money"),
                        "refused": {
                            "type": ["string", "null"],
                            "description": "The code of why the card cannot take it now.",
                        },
                        "preview": {
                            "description": "What the card would then have; null if it cannot take the plan.",
                            "anyOf": [_ref("Preview"), {"type": "null"}],
                        },
                    }
                )
            )
        }
    ),
    "Wish": _object({"iccid": _ASKED_ICCID, "plan": _PLAN}),
    "WishLine": _object({"key": {"type": "string", **_KEY}, "iccid": _text(), "plan": _PLAN}),
    "Renewal": _object(_RENEWAL),
    "RenewalWithHistory": _object(
        {
            **_RENEWAL,
            "history": _list(
                _object(
                    {"state": _text(enum=_RENEWAL_STATES), "at": _TIME, "reason": _text("A code.")}, optional=["reason"]
                )
            ),
        }
    ),
    "RenewalLine": _object({**_REPLAYED, **_RENEWAL}),
    "ProblemLine": _object({**_REPLAYED, **_PROBLEM_FIELDS}, optional=["detail"]),
    "ReadingLine": _object(
        {
            "record_id": _text("Yours; counts once for each card.", minLength=1, maxLength=255),
            "iccid": _text(),
            "bytes": {**_BYTES, "maximum": 10 * 10**12},
            "ended_at": _TIME,
        }
    ),
    "Usage": _object(
        {
            "accepted": _count("New records."),
            "duplicates": _count("Records that had come before."),
            "kept_aside": _count("Of those accepted: records of cards that are not known (yet)."),
            "unserved_bytes": _count("What no lot could serve."),
            "throttled_bytes": _count("What was served beyond the day's full speed."),
            "refused": _list(
                _object(
                    {
                        "line": {"type": "integer", "minimum": 1},
                        "code": _text(enum=["line-malformed", "bytes-absurd", "time-absurd"]),
                    }
                )
            ),
        }
    ),
    "Account": _object({"balance": _ref("Money"), "credit_limit": _ref("Money")}),
    "Problem": _object(_PROBLEM_FIELDS, optional=["detail"]),
}


# -- calls -------------------------------------------------------------------------------------------------------------


def _path_word(name: str, about: str, **schema: object) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string", **schema}}


_ICCID_WORD: Final = _path_word("iccid", "The card's number.", **_ASKED_ICCID)
_KEY_HEADER: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 255 printable ASCII characters. It belongs to you and the card, and is kept for good.",
    # A blank at either end of a header is not part of it.
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def _lines_body(line: str, *, lines: int, size: int, example: str) -> Schema:
    about = (
        f"JSON lines, each as the schema {line} says: up to {lines:,}, and {size:,} bytes. "
        f"With Content-Encoding: gzip up to the same size unpacked. A line: `{example}`"
    )
    return {
        "required": False,
        "description": about,
        "content": {
            NDJSON: {"schema": {"type": "string", "description": about}},
            OCTETS: {"schema": {"type": "string", "format": "binary"}},
        },
    }


CALLS: Final[Sequence[CallPage]] = (
    CallPage(
        method="get",
        path="/cards/{iccid}",
        name="readCard",
        summary="What a card has",
        about="Status, what is left, until when, and every lot.",
        scope=Scope.CARDS_READ,
        parameters=[_ICCID_WORD],
        answer="Card",
        problems=["card-unknown", "iccid-malformed"],
    ),
    CallPage(
        method="get",
        path="/cards/{iccid}/plans",
        name="listPlans",
        summary="What a card could buy",
        about="Every plan on sale for the card, with what the card would then have, or why it cannot take it now.",
        scope=Scope.CARDS_READ,
        parameters=[_ICCID_WORD],
        answer="Plans",
        problems=["card-unknown", "iccid-malformed"],
    ),
    CallPage(
        method="post",
        path="/cards/{iccid}/lots/{id}/start",
        name="startLot",
        summary="Start a lot that waits for a tap",
        about="Doing it twice does it once. Answers with the card.",
        scope=Scope.RENEWALS_WRITE,
        parameters=[_ICCID_WORD, _path_word("id", "A lot's id.", minLength=1)],
        answer="Card",
        problems=["card-unknown", "iccid-malformed", "lot-unknown", "lot-not-startable"],
    ),
    CallPage(
        method="post",
        path="/renewals",
        name="renew",
        summary="Renew a card",
        about=(
            "Paid from your account, answered when it is settled. The same key with the same plan gives the same "
            "answer again, with Idempotent-Replayed: true. After a refusal the same key may be tried again."
        ),
        scope=Scope.RENEWALS_WRITE,
        parameters=[_KEY_HEADER],
        body={"required": True, "content": {JSON: {"schema": _ref("Wish")}}},
        status=HTTPStatus.CREATED,
        headers={"Idempotent-Replayed": {"schema": {"const": "true"}, "description": "Answered before."}},
        answer="Renewal",
        problems=[*_RENEWAL_REFUSALS, "idempotency-key-missing", *_BODY],
    ),
    CallPage(
        method="post",
        path="/renewals/batch",
        name="renewMany",
        summary="Renew many cards",
        about=(
            "Lines apply in order, each as far as the account allows. Each is answered in its place, by a RenewalLine "
            "or a ProblemLine; one bad line fails alone. Send the same lines again whenever you are in doubt."
        ),
        scope=Scope.RENEWALS_WRITE,
        body=_lines_body(
            "WishLine",
            lines=calls_batch.LINES_MAX,
            size=calls_batch.BYTES_MAX,
            example='{"key":"order-1","iccid":"8981102026990000015","plan":"DAY-7"}',
        ),
        answer="RenewalLine",
        problems=_BODY,
    ),
    CallPage(
        method="get",
        path="/renewals/{number}",
        name="readRenewal",
        summary="What became of a renewal",
        about="The renewal with its history, oldest first. Only your own renewals.",
        scope=Scope.RENEWALS_READ,
        parameters=[
            _path_word("number", "The renewal's number, in any case and spacing.", pattern="^[0-9A-Za-z -]{10,14}$")
        ],
        answer="RenewalWithHistory",
        problems=["renewal-unknown"],
    ),
    CallPage(
        method="post",
        path="/usage",
        name="takeUsage",
        summary="Tell what cards have used",
        about=(
            "A record counts once for each card and record_id, however often it comes. A body is taken whole or not "
            "at all; lines that cannot be read are refused one by one, and counted from 1, blank ones too."
        ),
        scope=Scope.USAGE_WRITE,
        body=_lines_body(
            "ReadingLine",
            lines=calls_usage.LINES_MAX,
            size=calls_usage.BYTES_MAX,
            example=(
                '{"record_id":"r-1","iccid":"8981102026990000015","bytes":1048576,"ended_at":"2026-04-01T09:00:00Z"}'
            ),
        ),
        answer="Usage",
        problems=_BODY,
    ),
    CallPage(
        method="get",
        path="/account",
        name="readAccount",
        summary="What your account holds",
        about="The balance, and how far below zero it may go.",
        scope=Scope.ACCOUNT_READ,
        answer="Account",
        problems=[],
    ),
)


# -- the document ------------------------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tsuzuku partner API",
            "version": "1",
            "description": f"Renew cards, read balances, tell usage. For people: {BASE}/docs",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
            "schemas": SCHEMAS,
            "responses": {code: _problem_response(status) for status, code in _response_names().items()},
        },
    }


def _operation(call: CallPage) -> dict[str, Any]:
    is_lines = call.answer == "RenewalLine"
    content = (
        {NDJSON: {"schema": {"type": "string", "description": "A RenewalLine or ProblemLine for each line."}}}
        if is_lines
        else {JSON: {"schema": _ref(call.answer)}}
    )
    answer: dict[str, Any] = {"description": call.summary, "content": content}
    if call.headers:
        answer["headers"] = call.headers
    codes_max = {"body-too-large"} if call.body else set()
    statuses = sorted({PROBLEMS[code][0] for code in {*call.problems, *ALWAYS, *codes_max}})
    operation: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "description": f"{call.about}\n\nScope: `{call.scope}`.",
        "parameters": call.parameters,
        "responses": {str(int(call.status)): answer}
        | {str(int(status)): {"$ref": f"#/components/responses/{_response_names()[status]}"} for status in statuses},
    }
    if call.body:
        operation["requestBody"] = call.body
    return operation


def _response_names() -> dict[HTTPStatus, str]:
    return {status: status.name.title().replace("_", "") for status, _ in PROBLEMS.values()}


def _problem_response(status: HTTPStatus) -> dict[str, Any]:
    codes = [code for code, (of_code, _) in PROBLEMS.items() if of_code is status]
    response: dict[str, Any] = {
        "description": "; ".join(codes),
        "content": {PROBLEM: {"schema": _ref("Problem")}},
    }
    headers = {
        HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": {"schema": {"type": "string"}}},
        HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": _SECONDS},
        HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": _SECONDS},
    }
    if status in headers:
        response["headers"] = headers[status]
    return response


_SECONDS: Final = {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}
#: What a single renewal may weigh; said to people.
RENEWAL_BYTES_MAX: Final = SHORT_BYTES_MAX
