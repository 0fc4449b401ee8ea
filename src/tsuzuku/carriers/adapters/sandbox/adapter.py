# SPDX-License-Identifier: Apache-2.0
"""Speaks with the sandbox carrier."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tsuzuku.carriers.adapters.sandbox.config import Config
from tsuzuku.carriers.ports import Activation, ActivationRequest, Capabilities
from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import call, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable


class SandboxCarrier:
    """The carrier whose folder this is; its mode may change while we run."""

    def __init__(self, folder: Path) -> None:
        self._config = Config(folder)

    @property
    def capabilities(self) -> Capabilities:
        address = self._config.address()
        return Capabilities(
            confirms_at_once=address.mode == "instant", settles_within_seconds=address.settles_within_seconds
        )

    def activate(self, request: ActivationRequest) -> Activation:
        answer = call(
            self._client,
            "POST",
            f"{self._url()}/activations",
            headers={"Request-Time": clock.now().isoformat()},
            fields={
                "reference": request.reference,
                "iccid": request.iccid,
                "plan_code": request.plan_code,
                "terms": dict(request.terms),
            },
        )
        try:
            return _activation(answer.fields(), raw=answer.text)
        except (KeyError, TypeError, ValueError) as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def find_activation(self, *, iccid: str, reference: str) -> Activation | None:
        try:
            answer = call(
                self._client, "GET", f"{self._url()}/cards/{quote(iccid, safe='')}/activations", changes_nothing=True
            )
            for fields in answer.fields()["activations"]:
                if fields["reference"] == reference:
                    return _activation(fields, raw=json.dumps(fields, ensure_ascii=False))
        except Rejected as refusal:
            raise Unavailable(refusal.code, refusal.detail) from refusal
        except (KeyError, TypeError, ValueError) as problem:
            raise Unavailable("answer-malformed") from problem
        return None

    @cached_property
    def _client(self) -> httpx.Client:
        return new_client(through_proxy=False)

    def _url(self) -> str:
        url = self._config.address().url
        if url is None:
            raise Unavailable("sandbox-not-started")
        return url


def _activation(fields: Mapping[str, Any], *, raw: str) -> Activation:
    credited_at = datetime.fromisoformat(fields["credited_at"])
    if credited_at.tzinfo is None:
        raise ValueError("a time without a zone")
    return Activation(
        reference=str(fields["reference"]), carrier_reference=str(fields["id"]), credited_at=credited_at, raw=raw
    )
