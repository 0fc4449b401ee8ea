# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest

from tsuzuku.reminders.errors import PushSubscriptionMalformed
from tsuzuku.reminders.subscriptions import TEXT_LENGTH_MAX, parse_subscription

#: A point of the curve, and no one's key.
POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
GOOD: dict[str, Any] = {
    "endpoint": "https://push.example/one",
    "expirationTime": None,
    "keys": {"p256dh": POINT, "auth": "A" * 22},
}


def test_only_what_is_needed_is_kept() -> None:
    parsed = parse_subscription(json.dumps(GOOD))
    assert json.loads(parsed.text) == {"endpoint": GOOD["endpoint"], "keys": GOOD["keys"]}
    assert len(parsed.endpoint_hash) == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 5000,
        json.dumps({**GOOD, "endpoint": "http://push.example/one"}),
        json.dumps({**GOOD, "endpoint": "https://"}),
        json.dumps({**GOOD, "endpoint": "https://a:b@push.example/"}),
        json.dumps({**GOOD, "endpoint": "https://[x"}),
        json.dumps({**GOOD, "endpoint": 7}),
        json.dumps({**GOOD, "endpoint": "https://push.example/" + "x" * TEXT_LENGTH_MAX}),
        json.dumps({**GOOD, "keys": {"p256dh": POINT}}),
        json.dumps({**GOOD, "keys": {"p256dh": "B" * 80, "auth": "A" * 22}}),
        json.dumps({**GOOD, "keys": {"p256dh": None, "auth": "A" * 22}}),
        json.dumps({**GOOD, "keys": "x"}),
    ],
)
def test_what_is_no_subscription_is_refused(text: str) -> None:
    with pytest.raises(PushSubscriptionMalformed):
        parse_subscription(text)
