# SPDX-License-Identifier: Apache-2.0
"""Queueing messages, and sending those that are due."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import DatabaseError, transaction

from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import claim, still_held, try_again_at
from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.messaging import states
from tsuzuku.messaging.bounces import bounced_among, keep_bounce
from tsuzuku.messaging.models import BouncedAddress, Message
from tsuzuku.messaging.ports import AddressDead, AddressKind, OutgoingMessage, Sent
from tsuzuku.messaging.registry import gateway, has_gateway
from tsuzuku.messaging.rules import check_message

SEND_MESSAGES = "send messages"
#: How long a worker holds what it has claimed.
LEASE = timedelta(minutes=5)
#: Nothing is sent this late in a lease: a gateway's time-outs must fit into what is left of it.
_SENDING_TAKES_MAX = timedelta(minutes=1)
#: A message that no gateway took for so long has lost its worth.
GIVE_UP_AFTER = timedelta(days=3)
#: So often an SMS is sent whose outcome stays unknown: each may have arrived, and is paid. Mails are folded and free.
UNKNOWN_TRIES_MAX = 3
_PORTION = 20

log = logging.getLogger(__name__)


def send_message(
    *,
    dedupe_key: str,
    kind: AddressKind,
    address: str,
    language: str,
    text: str,
    purpose: str,
    now: datetime,
    subject: str = "",
    html: str = "",
    link: str = "",
    unsubscribe: str = "",
    is_asked_for: bool = False,
    give_up_at: datetime | None = None,
) -> None:
    """Queues a message in the caller's transaction; it is sent after the commit. The first of a `dedupe_key` counts.

    An SMS is text alone; a push has a title in `subject`, a text, and the path that a tap leads to in `link`. Whether
    there is anybody who carries this kind, `can_send` tells before. A mail that nobody asked for has an address in
    `unsubscribe` that ends such mails with one tap.
    `is_asked_for`: the owner of the address waits for it, as for a code; it is tried though the address bounced before.
    `give_up_at`: when what it says is over, as with a reminder; it is not sent later than that.
    Raises ValueError for an empty address, a subject of more than one line, an SMS longer than `SMS_PARTS_MAX`, or what
    the kind of address has no place for; each is an error in the caller.
    """
    check_message(kind=kind, address=address, subject=subject, text=text, html=html, link=link)
    message = Message(
        dedupe_key=dedupe_key,
        kind=kind,
        address=address,
        language=language,
        subject=subject,
        text=text,
        html=html,
        link=link,
        unsubscribe=unsubscribe,
        is_asked_for=is_asked_for,
        give_up_at=give_up_at,
        purpose=purpose,
        created_at=now,
        next_attempt_at=now,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    wake(SEND_MESSAGES)


def send_due_messages() -> int:
    """Sends what is due, a portion at a time, outside any transaction; returns how many messages were tried.

    A message is sent at least once: e-mail knows no idempotency, so after a crash between the gateway's answer and our
    record of it the message goes out again when the lease has ended. It then carries the same message id, by which mail
    programs fold a repeat. A message that cannot be sent keeps back nobody else.
    """
    tried = 0
    while claimed := claim(Message.objects.all(), now=clock.now(), lease=LEASE, limit=_PORTION):
        bounced = bounced_among(claimed)
        for message in claimed:
            if problem := _hopeless(message, bounced):
                _end(message, states.FAILED, problem=problem)
            else:
                _send(message)
        tried += len(claimed)
    return tried


def _hopeless(message: Message, bounced: set[int]) -> str:
    """Why a message is not even tried; empty if it is."""
    if message.pk in bounced:
        return "address-bounced"
    is_over = message.give_up_at is not None and clock.now() > message.give_up_at
    return "too-late" if is_over else ""


def _send(message: Message) -> None:
    if message.lease_until is None or clock.now() > message.lease_until - _SENDING_TAKES_MAX:
        _queue_again(message, problem="lease-short")
        return
    outgoing = OutgoingMessage(
        message_id=f"{message.reference}@{parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition('@')[2]}",
        kind=AddressKind(message.kind),
        address=message.address,
        language=message.language,
        subject=message.subject,
        text=message.text,
        html=message.html,
        link=message.link,
        unsubscribe=message.unsubscribe,
    )
    if not has_gateway(outgoing.kind):
        # The setting was taken away while the message waited; it may come back.
        _postpone(message, problem="no-gateway")
        return
    try:
        sent = gateway(outgoing.kind).send(outgoing)
    except AddressDead as refusal:
        log.warning("message %s bounced: %s", message.pk, refusal.code)
        with transaction.atomic():
            _end(message, states.BOUNCED, problem=refusal.code)
            keep_bounce(message, problem=refusal.code, now=clock.now())
    except Rejected as refusal:
        log.warning("message %s was refused: %s", message.pk, refusal.code)
        _end(message, states.FAILED, problem=refusal.code)
    except (Unavailable, OutcomeUnknown) as problem:
        _try_again(message, problem)
    except DatabaseError:
        raise
    except Exception as problem:  # noqa: BLE001 - an error in an adapter may keep back this message only
        # The text of the error may name the address, so it is not logged.
        log.error("the gateway failed over message %s: %s", message.pk, type(problem).__name__)  # noqa: TRY400 - see above
        _postpone(message, problem=type(problem).__name__)
    else:
        _end_sent(message, sent)


def _try_again(message: Message, problem: Unavailable | OutcomeUnknown) -> None:
    is_paid_already = isinstance(problem, OutcomeUnknown) and message.kind == AddressKind.SMS
    if is_paid_already and message.attempts >= UNKNOWN_TRIES_MAX:
        _end(message, states.FAILED, problem=problem.code)
    else:
        _postpone(message, problem=problem.code)


def _postpone(message: Message, *, problem: str) -> None:
    if clock.now() > message.created_at + GIVE_UP_AFTER:
        log.warning("message %s was given up: %s", message.pk, problem)
        _end(message, states.FAILED, problem=problem)
    else:
        _queue_again(message, problem=problem)


def _queue_again(message: Message, *, problem: str) -> None:
    again = try_again_at(message, now=clock.now())
    still_held(message).filter(state=states.QUEUED).update(lease_until=None, next_attempt_at=again, problem=problem)


def _end_sent(message: Message, sent: Sent) -> None:
    reports_in_session = gateway(AddressKind(message.kind)).capabilities.reports_in_session
    _end(
        message,
        states.SENT,
        problem="",
        gateway_reference=sent.reference,
        is_report_awaited=reports_in_session and bool(sent.reference),
    )


def _end(message: Message, state: str, *, problem: str, **fields: object) -> None:
    """Ends a message, unless a report about it has come in the meantime: that has the last word."""
    states.MESSAGE_STATES.check_move(message.state, state)
    still_held(message).filter(state=states.QUEUED).update(
        state=state, problem=problem, ended_at=clock.now(), lease_until=None, next_attempt_at=None, **fields
    )


def forget_messages(*, kind: AddressKind, address: str) -> None:
    """Forgets what was sent to an address, and that it bounced. What is yet to be sent is sent."""
    Message.objects.filter(kind=kind, address=address).exclude(state=states.QUEUED).delete()
    BouncedAddress.objects.filter(kind=kind, address=address).delete()


def forget_messages_about(*, purposes: Collection[str]) -> None:
    """Forgets every message that belongs to these; what is yet to be sent is not sent."""
    Message.objects.filter(purpose__in=purposes).delete()
