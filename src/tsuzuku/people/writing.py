# SPDX-License-Identifier: Apache-2.0
"""Writing to a customer: by mail, and to who has a phone only by SMS, of which the subject has to say enough."""

from datetime import datetime

from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.queries import can_send
from tsuzuku.people.models import User


def write_to(
    user: User, *, dedupe_key: str, language: str, subject: str, text: str, link: str, purpose: str, now: datetime
) -> None:
    """Queues a mail, else an SMS of its subject and `link`; nothing for who cannot be reached."""
    if user.email:
        send_message(
            dedupe_key=dedupe_key,
            kind=AddressKind.EMAIL,
            address=user.email,
            language=language,
            subject=subject,
            text=text,
            purpose=purpose,
            now=now,
        )
    elif user.phone and can_send(AddressKind.SMS):
        send_message(
            dedupe_key=dedupe_key,
            kind=AddressKind.SMS,
            address=user.phone,
            language=language,
            text=f"{subject} {link}",
            purpose=purpose,
            now=now,
        )
