# SPDX-License-Identifier: Apache-2.0
"""Evidence as it was gathered."""

from django.db import models

from tsuzuku.payments.models import Dispute


class DisputeEvidence(models.Model):
    """All that a dispute needs, as one ZIP file. Append-only: what was known when the dispute was opened."""

    dispute = models.OneToOneField(Dispute, on_delete=models.PROTECT, related_name="evidence")
    file = models.BinaryField()
    #: Of the file, in hexadecimal digits.
    sha256 = models.TextField()
    gathered_at = models.DateTimeField()
