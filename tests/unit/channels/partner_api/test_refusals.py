# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.allowances.errors import CardExpired, LotCannotStart, NothingToJoin, StackFull
from tsuzuku.cards.errors import CardLost, CardPastLastDate, CardSuspended, CardUnknown
from tsuzuku.catalog.errors import PlanNotForCard, PlanUnknown
from tsuzuku.channels.partner_api.docs import WHAT_TO_DO
from tsuzuku.channels.partner_api.http import PROBLEMS
from tsuzuku.channels.partner_api.refusals import contract_code
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.iccid import IccidCheckDigit, IccidMalformed
from tsuzuku.payments.errors import FundsInsufficient
from tsuzuku.renewals.errors import KeyReused

#: Statuses and codes as docs/contracts/partner-api.md has them.
CONTRACT = {
    (400, "idempotency-key-missing"), (400, "idempotency-key-malformed"), (409, "idempotency-key-reused"),
    (404, "card-unknown"), (422, "iccid-malformed"), (404, "plan-unknown"), (409, "plan-not-for-card"),
    (409, "card-suspended"), (409, "stack-full"), (409, "card-expired"), (409, "nothing-to-join"),
    (402, "funds-insufficient"), (400, "body-malformed"), (401, "key-unknown"), (403, "scope-missing"),
    (404, "renewal-unknown"), (413, "body-too-large"), (415, "media-type-unsupported"), (429, "rate-limited"),
    (503, "try-again"),
}  # fmt: skip
#: Where the contract names no code: addresses, methods, lots, lines, and our own mistakes.
OURS = {
    (404, "path-unknown"), (405, "method-not-allowed"), (404, "lot-unknown"), (409, "lot-not-startable"),
    (422, "line-malformed"), (500, "internal"),
}  # fmt: skip


def test_the_problems_are_the_contracts_and_ours() -> None:
    assert {(int(status), code) for code, (status, _) in PROBLEMS.items()} == CONTRACT | OURS


def test_every_problem_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(PROBLEMS)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (CardUnknown, "card-unknown"),
        (KeyReused, "idempotency-key-reused"),
        (PlanUnknown, "plan-unknown"),
        (PlanNotForCard, "plan-not-for-card"),
        (CardSuspended, "card-suspended"),
        (CardLost, "card-suspended"),
        (CardPastLastDate, "card-expired"),
        (StackFull, "stack-full"),
        (CardExpired, "card-expired"),
        (NothingToJoin, "nothing-to-join"),
        (FundsInsufficient, "funds-insufficient"),
        (IccidMalformed, "iccid-malformed"),
        (IccidCheckDigit, "iccid-malformed"),
        (LotCannotStart, "lot-not-startable"),
    ],
)
def test_what_a_renewal_or_a_preview_is_refused_for(refusal: type[DomainError], code: str) -> None:
    assert contract_code(refusal.code) == code


def test_a_refusal_that_nobody_thought_of_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        contract_code("order-unknown")
