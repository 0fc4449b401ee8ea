# SPDX-License-Identifier: Apache-2.0
"""How a gateway is described: what to send it, where its answer names the message, and how it reports."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: How a gateway proves that a report is its own: HMAC-SHA256 of the body in hex, or the secret itself.
PROOFS = ("hmac-sha256", "secret")
_NEEDED, _KNOWN = {"url", "body"}, {"url", "body", "headers", "reference", "dead_codes", "folds_repeats", "reports"}
_REPORTS_NEEDED = {"secret", "status"}
_REPORTS_KNOWN = _REPORTS_NEEDED | {
    "proof", "header", "list", "id", "reference", "reason", "delivered", "bounced", "failed",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Reports:
    """How reports come. Paths are words between dots, from the report or, for `list`, from the whole body."""

    secret: str
    proof: str
    #: The header that holds the proof.
    header: str
    #: Where several reports stand in one body; empty if the body is one.
    list: str
    #: Where our id of the message stands, and the gateway's; one of them is enough.
    id: str
    reference: str
    status: str
    reason: str
    #: Words of `status` or `reason`, in small letters.
    delivered: frozenset[str]
    bounced: frozenset[str]
    failed: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpGateway:
    """A gateway. In the texts of `body` and `headers` stand {to}, {digits}, {text}, {id} and {report_url}."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    #: Where the answer names the message.
    reference: str
    #: Codes of refusals that mean the number, not the message.
    dead_codes: frozenset[str]
    folds_repeats: bool
    reports: Reports | None


def parse_gateway(text: str) -> HttpGateway:
    """A gateway's description. Raises ValueError, which says what is wrong with it."""
    found = _object(json.loads(text), "the description", needed=_NEEDED, known=_KNOWN)
    body, headers = found["body"], found.get("headers", {})
    if not (isinstance(body, dict) and isinstance(headers, dict)):
        raise ValueError("body and headers must be objects")
    url = str(found["url"])
    if not url.startswith(("https://", "http://")):
        raise ValueError("url must be an address")
    reports = found.get("reports")
    return HttpGateway(
        url=url,
        headers={str(name): str(value) for name, value in headers.items()},
        body=body,
        reference=str(found.get("reference", "")),
        dead_codes=_words(found.get("dead_codes", [])),
        folds_repeats=bool(found.get("folds_repeats", False)),
        reports=None if reports is None else _reports(reports),
    )


def _reports(found: object) -> Reports:
    fields = _object(found, "reports", needed=_REPORTS_NEEDED, known=_REPORTS_KNOWN)
    proof = str(fields.get("proof", PROOFS[0]))
    if proof not in PROOFS:
        raise ValueError(f"reports.proof must be {' or '.join(PROOFS)}")
    # A short one could be guessed, and whoever has it can have numbers left alone.
    if len(str(fields["secret"])) < 16:
        raise ValueError("reports.secret must have 16 characters or more")
    if not (fields.get("id") or fields.get("reference")):
        raise ValueError("reports needs id or reference, or nobody knows which message is meant")
    return Reports(
        secret=str(fields["secret"]),
        proof=proof,
        header=str(fields.get("header", "X-Signature")).lower(),
        list=str(fields.get("list", "")),
        id=str(fields.get("id", "")),
        reference=str(fields.get("reference", "")),
        status=str(fields["status"]),
        reason=str(fields.get("reason", "")),
        delivered=_words(fields.get("delivered", ["delivered", "delivrd"])),
        bounced=_words(fields.get("bounced", [])),
        failed=_words(fields.get("failed", ["failed", "undelivered", "undeliv", "expired", "rejected", "rejectd"])),
    )


def _object(found: object, name: str, *, needed: set[str], known: set[str]) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be a JSON object")
    if missing := sorted(needed - found.keys()):
        raise ValueError(f"{name} needs {missing[0]}")
    if unknown := sorted(found.keys() - known):
        raise ValueError(f"{name} has no {unknown[0]}")
    return found


def _words(found: object) -> frozenset[str]:
    if not isinstance(found, list):
        raise ValueError("words stand in a list")
    return frozenset(str(word).lower() for word in found)
