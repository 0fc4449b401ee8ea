# SPDX-License-Identifier: Apache-2.0
"""What support listens to."""

from collections.abc import Sequence

from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.payments.events import DisputeOpened
from tsuzuku.support.actions import keep_evidence


def hear_disputes(heard: Sequence[Heard[DisputeOpened]]) -> None:
    """A payer's bank disputes a sale: what shows that it was right is kept as it stands now."""
    for each in heard:
        keep_evidence(dispute_id=each.event.dispute_id, now=clock.now())


listen(name="support keep evidence", event_type=DisputeOpened, hear=hear_disputes, is_urgent=False)
