# SPDX-License-Identifier: Apache-2.0
"""What buyers of new cards are told by message: once each, in the language of the order, never with a code in it."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.new_cards.models import NewCard, Parcel
from tsuzuku.people.writing import write_to


def tell_ready(*, new_card_ids: Sequence[int], now: datetime) -> None:
    """Tells buyers of eSIMs where they install them. The page asks them to log in: a mail may be read by others."""
    found = NewCard.objects.filter(pk__in=new_card_ids, parcel=None).select_related("order", "user")
    for each in found.order_by("pk"):
        number, link = each.order.number, f"{settings.PUBLIC_URL}/o/{each.order.number}/esim"
        with translation.override(each.order.language):
            write_to(
                each.user,
                dedupe_key=f"esim-ready:{number}",
                language=each.order.language,
                subject=gettext("Your eSIM is ready to install · order %(number)s") % {"number": number},
                text=render_to_string("new_cards/esim_ready.txt", {"number": number, "link": link}),
                link=link,
                purpose=f"order:{number}",
                now=now,
            )


def tell_shipped(*, parcel_ids: Sequence[int], now: datetime) -> None:
    """Tells buyers that their cards are on the way, without where to."""
    found = Parcel.objects.filter(pk__in=parcel_ids).select_related("new_card__order", "new_card__user")
    for each in found.order_by("pk"):
        order = each.new_card.order
        link = f"{settings.PUBLIC_URL}/o/{order.number}"
        said = {"number": order.number, "carrier": each.carrier, "tracking": each.tracking_number, "link": link}
        with translation.override(order.language):
            write_to(
                each.new_card.user,
                dedupe_key=f"parcel-shipped:{order.number}",
                language=order.language,
                subject=gettext("Your card is on its way · order %(number)s") % {"number": order.number},
                text=render_to_string("new_cards/parcel_shipped.txt", said),
                link=link,
                purpose=f"order:{order.number}",
                now=now,
            )
