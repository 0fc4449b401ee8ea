# SPDX-License-Identifier: Apache-2.0
"""What the domain refuses, in the codes of the contract."""

from collections.abc import Mapping
from typing import Final

from tsuzuku.channels.partner_api.http import PROBLEMS, Problem
from tsuzuku.kernel.errors import DomainError

#: Where the contract has another word, or one word for several.
_CONTRACT_CODES: Final[Mapping[str, str]] = {
    "card-past-last-date": "card-expired",
    "card-lost": "card-suspended",
    "iccid-check-digit": "iccid-malformed",
    "lot-cannot-start": "lot-not-startable",
}


def contract_code(code: str) -> str:
    """The contract's code for one of ours. KeyError if it has none: that would be our mistake."""
    code = _CONTRACT_CODES.get(code, code)
    if code not in PROBLEMS:
        raise KeyError(code)
    return code


def problem_of(refusal: DomainError) -> Problem:
    """A refusal as partners get it."""
    return Problem(contract_code(refusal.code))
