# SPDX-License-Identifier: Apache-2.0
"""What a partner's account holds."""

from http import HTTPStatus

from tsuzuku.channels.partner_api.callers import admitted_alone
from tsuzuku.channels.partner_api.http import Answer, encoded
from tsuzuku.channels.partner_api.request import Request
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.payments.spending import balance_of
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.renewal_json import money_fields
from tsuzuku.sellers.scopes import Scope


class AccountCall:
    """`GET /account`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    async def read(self, request: Request) -> Answer:
        """Balance and credit limit."""
        return await admitted_alone(self._threads, request, scope=Scope.ACCOUNT_READ, asked=None, work=_read)


def _read(caller: Caller, _: None) -> Answer:
    held = balance_of(f"partner:{caller.partner_id}")
    fields = {"balance": money_fields(held.balance), "credit_limit": money_fields(held.credit_limit)}
    return Answer(HTTPStatus.OK, encoded(fields))
