# SPDX-License-Identifier: Apache-2.0
"""Keeping evidence."""

import hashlib
from datetime import datetime

from django.db import transaction

from tsuzuku.payments.models import Dispute
from tsuzuku.support.gathering import gather
from tsuzuku.support.models import DisputeEvidence


def keep_evidence(*, dispute_id: int, now: datetime) -> DisputeEvidence:
    """Gathers what a dispute needs into one file and keeps it; what is kept already stays as it is."""
    with transaction.atomic():
        # Whoever comes second waits here, and finds it.
        dispute = Dispute.objects.select_related("capture__payment").select_for_update(of=("self",)).get(pk=dispute_id)
        kept = DisputeEvidence.objects.filter(dispute=dispute).first()
        if kept is not None:
            return kept
        file = gather(dispute, now=now)
        return DisputeEvidence.objects.create(
            dispute=dispute, file=file, sha256=hashlib.sha256(file).hexdigest(), gathered_at=now
        )
