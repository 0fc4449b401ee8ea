# SPDX-License-Identifier: Apache-2.0
"""Verbs of people: how they want to hear, from which browser, and what they have read."""

from collections.abc import Collection
from datetime import datetime, time
from typing import Final

from django.db import transaction

from tsuzuku.journal.chores import wake
from tsuzuku.messaging.actions import forget_messages, forget_messages_about
from tsuzuku.messaging.bounces import release_address
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.queries import bounced_address
from tsuzuku.people.browsers import keep_browser
from tsuzuku.people.models import Browser, User
from tsuzuku.reminders.errors import ZoneUnknown
from tsuzuku.reminders.messages import purpose_of
from tsuzuku.reminders.models import Preferences, PushDevice, Reminder
from tsuzuku.reminders.rules import ZONES
from tsuzuku.reminders.states import TOLD, WAITING
from tsuzuku.reminders.subscriptions import hash_of, parse_subscription
from tsuzuku.reminders.watching import TELL_REMINDERS
from tsuzuku.reminders.ways import preferences_of

#: Browsers of one person; the one that was added first goes.
DEVICES_MAX: Final = 10
_NAME_LENGTH_MAX = 60


def save_preferences(
    *,
    user: User,
    by_email: bool,
    by_sms: bool,
    by_push: bool,
    names_friends: bool,
    quiet_from: time,
    quiet_until: time,
    zone: str,
    now: datetime,
) -> None:
    """Says how somebody wants to hear from now on, also of what waits for the end of their quiet hours.

    Raises ZoneUnknown.
    """
    if zone not in ZONES:
        raise ZoneUnknown
    with transaction.atomic():
        said = {
            "by_email": by_email,
            "by_sms": by_sms,
            "by_push": by_push,
            "names_friends": names_friends,
            "quiet_from": quiet_from,
            "quiet_until": quiet_until,
            "zone": zone,
        }
        Preferences.objects.update_or_create(user=user, defaults=said)
        if Reminder.objects.filter(user=user, state=WAITING).update(next_attempt_at=now):
            wake(TELL_REMINDERS)


def stop_mails(*, user: User) -> None:
    """Ends somebody's reminders by e-mail, and nothing else. Doing it twice does it once."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        preferences = preferences_of([user])[user.pk]
        preferences.by_email = False
        preferences.save()


def mark_read(*, user: User, reminder_ids: Collection[int], now: datetime) -> None:
    """Notes that somebody has seen these of their reminders."""
    unread = Reminder.objects.filter(user=user, pk__in=reminder_ids, state=TOLD, read_at__isnull=True)
    unread.update(read_at=now)


def add_push_device(
    *, user: User, subscription: str, name: str, language: str, now: datetime, browser: Browser | None = None
) -> PushDevice:
    """Lets us push to a browser of somebody; one that is known already is theirs from now on.

    It ends with `browser`, in which they are logged in.
    Raises PushSubscriptionMalformed.
    """
    parsed = parse_subscription(subscription)
    with transaction.atomic():
        if browser is not None:
            keep_browser(browser=browser)
        device, _is_new = PushDevice.objects.update_or_create(
            endpoint_hash=parsed.endpoint_hash,
            defaults={
                "user": user,
                "browser": browser,
                "subscription": parsed.text,
                "name": name.strip()[:_NAME_LENGTH_MAX],
                "language": language,
                "added_at": now,
            },
        )
        newest = PushDevice.objects.filter(user=user).order_by("-added_at", "-pk").values_list("pk", flat=True)
        PushDevice.objects.filter(user=user).exclude(pk__in=list(newest[:DEVICES_MAX])).delete()
    return device


def remove_push_device(*, user: User, device_id: int | None = None, endpoint: str = "") -> None:
    """Pushes no more to a browser of somebody, named by its id or its endpoint; one that is not theirs is left."""
    of_user = PushDevice.objects.filter(user=user)
    (
        of_user.filter(pk=device_id) if device_id is not None else of_user.filter(endpoint_hash=hash_of(endpoint))
    ).delete()


def forget_gone_devices(*, bounced_ids: Collection[int]) -> None:
    """Forgets browsers whose push service says that they take nothing any more, and that they bounced.

    A browser that subscribes again gives out another subscription, so nobody has to be asked.
    """
    for bounced_id in bounced_ids:
        bounced = bounced_address(bounced_id)
        if bounced is not None:
            PushDevice.objects.filter(endpoint_hash=parse_subscription(bounced.address).endpoint_hash).delete()
            release_address(kind=AddressKind.PUSH, address=bounced.address)


def forget_reader(*, user: User) -> None:
    """Forgets what somebody was told, how they wanted to hear, and their browsers: their account ends.

    The messages go with it, wherever they went: a push is kept with the keys of its browser.
    """
    reminders = Reminder.objects.filter(user=user).values_list("pk", flat=True)
    forget_messages_about(purposes=[purpose_of(reminder_id) for reminder_id in reminders])
    for subscription in PushDevice.objects.filter(user=user).values_list("subscription", flat=True):
        forget_messages(kind=AddressKind.PUSH, address=subscription)
    for rows in (Reminder, Preferences, PushDevice):
        rows.objects.filter(user=user).delete()
