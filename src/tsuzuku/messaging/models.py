# SPDX-License-Identifier: Apache-2.0
"""Messages that wait to be sent, and those that were."""

import uuid

from django.db import models
from django.db.models import Q

from tsuzuku.journal.models import Waiting
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.states import MESSAGE_STATES, QUEUED


class Message(Waiting):
    """One message to one address. It waits for its gateway."""

    #: The same in every try, so that a receiver can fold a repeat.
    reference = models.UUIDField(default=uuid.uuid4, unique=True)
    #: The caller's: what this message is about, once.
    dedupe_key = models.TextField(unique=True)
    #: What it belongs to, such as order:4KX9P-7TRWC; an opaque text here.
    purpose = models.TextField()
    kind = models.TextField()
    #: Empty, like all that was said, of a message that ended long ago.
    address = models.TextField()
    language = models.TextField()
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField(blank=True)
    #: Where a tap on a push leads: a path of ours.
    link = models.TextField(blank=True)
    #: Of a mail: the address that ends such mails with one tap.
    unsubscribe = models.TextField(blank=True)
    #: The owner of the address waits for it now, as for a code; it is tried though the address bounced before.
    is_asked_for = models.BooleanField(default=False)
    state = models.TextField(default=QUEUED)
    #: Why it failed, or why the last try did.
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField()
    #: What it says is over then, and it is not sent any more.
    give_up_at = models.DateTimeField(null=True)
    #: When it was sent or failed.
    ended_at = models.DateTimeField(null=True)
    #: The gateway's name of it.
    gateway_reference = models.TextField(blank=True)
    #: It was sent by a gateway that tells in a session what became of it, and has not told yet.
    is_report_awaited = models.BooleanField(default=False)
    #: When the gateway told what became of it.
    reported_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=sorted(MESSAGE_STATES.moves)), name="messaging_message_state"),
            models.CheckConstraint(
                condition=Q(kind__in=sorted(kind.value for kind in AddressKind)), name="messaging_message_kind"
            ),
            # Who is queued waits, who has ended waits for nothing.
            models.CheckConstraint(
                condition=Q(state=QUEUED, next_attempt_at__isnull=False, ended_at__isnull=True)
                | (~Q(state=QUEUED) & Q(next_attempt_at__isnull=True, ended_at__isnull=False)),
                name="messaging_message_waits",
            ),
        )
        indexes = (
            models.Index(fields=["purpose"], name="messaging_message_purpose"),
            models.Index(
                fields=["next_attempt_at"], name="messaging_message_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(
                fields=["gateway_reference"],
                name="messaging_message_gateway",
                condition=~Q(gateway_reference=""),
            ),
            models.Index(fields=["address"], name="messaging_message_mail", condition=Q(kind=AddressKind.EMAIL.value)),
            models.Index(
                fields=["kind", "ended_at"], name="messaging_message_awaited", condition=Q(is_report_awaited=True)
            ),
            models.Index(
                fields=["ended_at"], name="messaging_message_old", condition=Q(ended_at__isnull=False) & ~Q(address="")
            ),
        )


class BouncedAddress(models.Model):
    """An address at which messages do not arrive. Nothing is sent there while its row is here."""

    #: Of kind and address; an address of its own may be too long for an index.
    digest = models.TextField(unique=True)
    kind = models.TextField()
    address = models.TextField()
    #: The gateway's code.
    problem = models.TextField()
    bounced_at = models.DateTimeField()
