# SPDX-License-Identifier: Apache-2.0
"""The ways by which somebody hears: those that they chose and that lead to them. The inbox is there for everybody."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from tsuzuku.cards.models import CardHolder
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.queries import can_send
from tsuzuku.people.models import User
from tsuzuku.reminders.models import Preferences, PushDevice


@dataclass(frozen=True, slots=True)
class Way:
    """An address to which a reminder goes, in a language; `name` tells it from others of the same person."""

    kind: AddressKind
    address: str
    language: str
    name: str


def preferences_of(users: Collection[User]) -> dict[int, Preferences]:
    """How these people want to hear, by their ids; the defaults for who never said."""
    chosen = {each.user_id: each for each in Preferences.objects.filter(user__in=[user.pk for user in users])}
    return {user.pk: chosen.get(user.pk) or default_preferences(user) for user in users}


def default_preferences(user: User) -> Preferences:
    """E-mail for who has an address, else SMS; and every browser that they let us push to."""
    return Preferences(user=user, by_sms=not user.email)


def wants_names(holder: CardHolder | None) -> bool:
    """Whether the names that friends leave may be told to a holder; not to who only has the PIN, whom we cannot ask."""
    return holder is not None and not Preferences.objects.filter(user=holder.user_id, names_friends=False).exists()


def ways_to(users: Collection[User], preferences: dict[int, Preferences]) -> dict[int, list[Way]]:
    """Where reminders for these people go, by their ids. One query."""
    carried = {kind for kind in AddressKind if can_send(kind)}
    ways: dict[int, list[Way]] = defaultdict(list)
    for user in users:
        chosen, phone = preferences[user.pk], user.phone or ""
        if chosen.by_email and user.email:
            ways[user.pk].append(Way(AddressKind.EMAIL, user.email, user.language, "email"))
        if chosen.by_sms and phone:
            ways[user.pk].append(Way(AddressKind.SMS, phone, user.language, "sms"))
    for device in PushDevice.objects.filter(user__in=[user.pk for user in users]).order_by("pk"):
        if preferences[device.user_id].by_push:
            way = Way(AddressKind.PUSH, device.subscription, device.language, f"push:{device.pk}")
            ways[device.user_id].append(way)
    return {user.pk: [way for way in ways[user.pk] if way.kind in carried] for user in users}
