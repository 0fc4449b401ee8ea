# SPDX-License-Identifier: Apache-2.0
"""Staff are told in their language what is refused to them."""

import re

import pytest
from django.utils import translation

from tsuzuku.kernel.errors import DomainError
from tsuzuku.orders import resolving
from tsuzuku.orders.refusals import staff_refusal
from tsuzuku.payments import failed_refunds, proposing, queries
from tsuzuku.payments.errors import RefundTooLarge

#: Where the verbs are by which staff see to money; what they refuse stands in these modules by name.
_VERBS = (failed_refunds, proposing, queries, resolving)
_AMOUNTS = {"left_minor": 1200, "missing_minor": 1200, "currency": "JPY", "state": "done"}


def _errors() -> list[type[DomainError]]:
    named = [each for module in _VERBS for each in vars(module).values() if isinstance(each, type)]
    return sorted({each for each in named if issubclass(each, DomainError)}, key=lambda error: error.code)


def test_there_are_refusals_to_tell() -> None:
    assert {"refund-too-large", "second-person-needed", "order-not-held", "dispute-unknown"} <= {
        error.code for error in _errors()
    }


@pytest.mark.parametrize("error", _errors(), ids=lambda error: error.code)
def test_every_refusal_is_a_sentence_in_both_languages(error: type[DomainError]) -> None:
    refusal = error(**_AMOUNTS)
    with translation.override("en"):
        english = staff_refusal(refusal)
    with translation.override("zh-hans"):
        chinese = staff_refusal(refusal)
    assert english.endswith(".")
    assert error.code not in english
    assert re.search(r"[\u4e00-\u9fff]", chinese)


def test_amounts_are_said() -> None:
    with translation.override("en"):
        assert staff_refusal(RefundTooLarge(**_AMOUNTS)) == (
            "That is more than can be given back. What is left: ¥1,200."
        )
