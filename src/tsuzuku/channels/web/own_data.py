# SPDX-License-Identifier: Apache-2.0
"""Everything of one person as one JSON file, written piece by piece so that no long history has to fit into memory.

No secret is in it: no password, PIN or code, no key of a session or passkey, no token of a way of paying, and of
messages the subject only, since their texts hold links that open orders.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder

from tsuzuku.balances.models import TopUp
from tsuzuku.cards.models import CardHolder, FriendLink
from tsuzuku.messaging.models import Message
from tsuzuku.new_cards.protection import reveal_address
from tsuzuku.new_cards.queries import new_cards_of_orders, parcels_of
from tsuzuku.orders.models import Order
from tsuzuku.payments.balance import customer_account
from tsuzuku.payments.models import BalancePart, KeptMethodRow
from tsuzuku.people.browsers import browsers_of
from tsuzuku.people.models import User
from tsuzuku.people.passkeys import passkeys_of
from tsuzuku.receipts.models import Receipt
from tsuzuku.reminders.models import Preferences, Reminder
from tsuzuku.reminders.queries import push_devices_of
from tsuzuku.renewals.gifts import names_for_payers
from tsuzuku.renewals.models import AutomaticRenewal, Renewal
from tsuzuku.usage.queries import usage_by_day

_PORTION = 200
#: The account's own name of its file.
FILE_NAME = "tsuzuku-account.json"

Record = Mapping[str, object]


def own_data(user: User, *, now: datetime) -> Iterator[str]:
    """The file, in pieces: an object whose members are lists, one record on each line."""
    sections: dict[str, Callable[[], Iterable[Record]]] = {
        "account": lambda: [_account(user)],
        "passkeys": lambda: [
            {"name": each.data["name"], "saved_at": each.created_at, "last_used_at": each.last_used_at}
            for each in passkeys_of(user)
        ],
        "devices": lambda: [
            {"device": each.device, "since": each.since, "seen_at": each.seen_at} for each in browsers_of(user, now=now)
        ],
        "cards": lambda: _cards(user, now=now),
        "friend_links": lambda: [
            {"card": each.card.iccid, "shown_name": each.shown_name, "made_at": each.made_at, "ends_at": each.ends_at}
            for each in FriendLink.objects.filter(user=user).select_related("card").order_by("pk")
        ],
        "automatic_renewals": lambda: [
            {"card": row.card.iccid, "plan": row.plan.code, "is_on": row.is_on, "price_minor": row.price_minor}
            for row in AutomaticRenewal.objects.filter(user=user).select_related("card", "plan")
        ],
        "kept_methods": lambda: KeptMethodRow.objects.filter(owner=user).values(
            "provider", "method", "label", "kept_at", "removed_at"
        ),
        "balance": lambda: (
            BalancePart.objects.filter(account__account__code=customer_account(user.pk))
            .order_by("pk")
            .values("reference", "amount_minor", "topped_up_at", "expires_at", "ended_at")
            .iterator()
        ),
        "orders": lambda: _orders(user),
        "parcels": lambda: _parcels(user),
        "reminder_preferences": lambda: Preferences.objects.filter(user=user).values(
            "by_email", "by_sms", "by_push", "names_friends", "quiet_from", "quiet_until", "zone"
        ),
        "push_devices": lambda: [
            {"device": each.name, "language": each.language, "since": each.added_at} for each in push_devices_of(user)
        ],
        "reminders": lambda: (
            Reminder.objects.filter(user=user)
            .order_by("pk")
            .values("kind", "card__iccid", "figures", "found_at", "state", "ended_at", "read_at")
            .iterator()
        ),
        "messages": lambda: _messages(user),
    }
    yield f'{{"written_at": {_json(now)}'
    for name, records in sections.items():
        yield f',\n"{name}": ['
        for number, record in enumerate(records()):
            yield f"{',' if number else ''}\n {_json(record)}"
        yield "]"
    yield "}\n"


def _account(user: User) -> Record:
    names = ("email", "phone", "phone_verified_at", "display_name", "language", "created_at", "last_login")
    return {name: getattr(user, name) for name in names}


def _cards(user: User, *, now: datetime) -> Iterator[Record]:
    for holder in CardHolder.objects.filter(user=user).select_related("card").order_by("pk"):
        used = usage_by_day(holder.card_id, since=holder.since.date(), until=now.date())
        yield {
            "iccid": holder.card.iccid,
            "name": holder.name,
            "since": holder.since,
            "usage": [{"day": day.day, "kind": day.kind, "amount": day.amount} for day in used],
        }


def _orders(user: User) -> Iterator[Record]:
    """Orders with what they paid for, and the numbers of their receipts; a portion at a time.

    Of a card that they do not hold, as when a friend paid for it, they may know what its payer was shown.
    """
    held = set(CardHolder.objects.filter(user=user).values_list("card_id", flat=True))
    every = list(Order.objects.filter(payer=user).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(every), _PORTION):
        ids = every[start : start + _PORTION]
        renewals = {row.order_id: row for row in Renewal.objects.filter(order__in=ids).select_related("card", "plan")}
        named = names_for_payers(renewals.values())
        top_ups = set(TopUp.objects.filter(order__in=ids).values_list("order_id", flat=True))
        new = new_cards_of_orders(ids)
        receipts = {row.order_id: row for row in Receipt.objects.filter(order__in=ids, sequence__isnull=False)}
        for order in Order.objects.filter(pk__in=ids).order_by("pk"):
            renewal, receipt = renewals.get(order.pk), receipts.get(order.pk)
            card = renewal.card if renewal else None
            yield {
                "number": order.number,
                "state": order.state,
                "amount_minor": order.amount_minor,
                "currency": order.currency,
                "lines": order.lines,
                "email": order.email,
                "created_at": order.created_at,
                "card": (card.iccid if card.pk in held else named[renewal.pk]) if renewal and card else None,
                "plan": renewal.plan.code if renewal else None,
                "is_top_up": order.pk in top_ups,
                "is_new_card": order.pk in new,
                "receipt": receipt.number if receipt else None,
            }


def _parcels(user: User) -> Iterator[Record]:
    """Cards that were posted, with their addresses as long as those are kept."""
    for parcel in parcels_of(user):
        address = reveal_address(parcel)
        yield {
            "order": parcel.new_card.order.number,
            "country": parcel.country,
            "state": parcel.state,
            "carrier": parcel.carrier,
            "tracking_number": parcel.tracking_number,
            "shipped_at": parcel.shipped_at,
            "address": address and address.parts,
        }


def _messages(user: User) -> Iterator[Record]:
    reached = [each for each in (user.email, user.phone) if each]
    # The codes of an account stand in the subjects of their mails.
    found = Message.objects.filter(address__in=reached).exclude(purpose="account").order_by("pk")
    yield from found.values("kind", "address", "subject", "created_at", "state").iterator(_PORTION)


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
