# SPDX-License-Identifier: Apache-2.0
"""Staff are told in their language what is refused to them."""

import re

import pytest
from django.utils import translation

from tsuzuku.kernel.errors import DomainError
from tsuzuku.orders import errors as order_errors
from tsuzuku.orders.refusals import staff_refusal
from tsuzuku.payments import errors as payment_errors

#: What travellers, partners and commands of others are told, each by its own door.
_TOLD_ELSEWHERE = {
    "account-unknown",
    "credit-limit-in-use",
    "funds-insufficient",
    "order-not-payable",
    "payment-not-started",
    "provider-unknown",
    "top-up-reused",
}
_AMOUNTS = {"left_minor": 1200, "missing_minor": 1200, "currency": "JPY", "state": "done"}


def _errors() -> list[type[DomainError]]:
    found = [*vars(payment_errors).values(), *vars(order_errors).values()]
    errors = [error for error in found if isinstance(error, type) and issubclass(error, DomainError)]
    return [error for error in errors if error is not DomainError and error.code not in _TOLD_ELSEWHERE]


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
        assert staff_refusal(payment_errors.RefundTooLarge(**_AMOUNTS)) == (
            "That is more than can be given back. What is left: ¥1,200."
        )
