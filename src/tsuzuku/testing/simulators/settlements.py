# SPDX-License-Identifier: Apache-2.0
"""What simulated providers have in common when they tell a merchant their own books of a period."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from csv import writer
from datetime import UTC, datetime
from http import HTTPStatus
from io import StringIO
from urllib.parse import parse_qs

from tsuzuku.payments.ports import SettlementLine
from tsuzuku.testing.simulators.server import Refusal, Request, Response

#: What they keep of a payment, in thousandths.
FEE_THOUSANDTHS = 36
_ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


def answer_settlement(
    request: Request, read: Callable[[], Sequence[SettlementLine]], write: Callable[[Sequence[SettlementLine]], bytes]
) -> Response:
    """Answers `GET /settlement?from=…&to=…`: two moments of RFC 3339, up to the second; without them all there is.

    `read` gives all that was ever booked, `write` makes the provider's file of what is wanted. Raises Refusal.
    """
    asked = {name: values[-1] for name, values in parse_qs(request.query).items()}
    begins_at, ends_at = (_moment(asked, name, usual) for name, usual in zip(("from", "to"), _ALWAYS, strict=True))
    wanted = sorted((line for line in read() if begins_at <= line.booked_at < ends_at), key=lambda line: line.booked_at)
    return Response(HTTPStatus.OK, write(wanted), {"Content-Type": "text/csv"})


def fee_minor(amount_minor: int) -> int:
    """What is kept of a payment of so much, rounded down."""
    return amount_minor * FEE_THOUSANDTHS // 1000


def csv_bytes(rows: Iterable[Sequence[object]], *, encoding: str = "utf-8", ends: str = "\n") -> bytes:
    """Rows as CSV."""
    text = StringIO(newline="")
    writer(text, lineterminator=ends).writerows(rows)
    return text.getvalue().encode(encoding)


def _moment(asked: Mapping[str, str], name: str, usual: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(asked[name].replace(" ", "+")) if name in asked else usual
    except ValueError:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "period-malformed") from None
    if found.tzinfo is None:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "period-malformed")
    return found
