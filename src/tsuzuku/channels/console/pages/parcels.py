# SPDX-License-Identifier: Apache-2.0
"""Cards that are posted: what is to be packed, where it goes, and what became of it."""

from collections.abc import Sequence

from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tsuzuku.channels.console.models import ParcelEntry
from tsuzuku.channels.console.pages.reading import ReadingAdmin, StateFilter
from tsuzuku.channels.console.pages.showing import move_rows
from tsuzuku.channels.console.sheets import Cell, Section, link, moment, said
from tsuzuku.channels.console.words import state_tag
from tsuzuku.kernel import clock
from tsuzuku.new_cards.addresses import COUNTRIES
from tsuzuku.new_cards.protection import reveal_address
from tsuzuku.orders.numbers import parse_number


class ParcelStates(StateFilter):
    """Parcels by state."""

    title = gettext_lazy("State")
    subject = "parcel"


class ParcelAdmin(ReadingAdmin[ParcelEntry]):
    """Parcels. The address stands on the sheet only."""

    slug = "parcels"
    list_display = ("order_shown", "parcel_state", "country_shown", "card_shown", "ordered_at")
    list_filter = (ParcelStates,)
    search_help_text = gettext_lazy("Order number or tracking number")

    def found(self, text: str) -> Q:
        return Q(new_card__order__number=parse_number(text) or text) | Q(tracking_number=text.upper())

    def get_queryset(self, request: HttpRequest) -> QuerySet[ParcelEntry]:
        found: QuerySet[ParcelEntry] = super().get_queryset(request)
        return found.select_related("new_card__order", "new_card__card")

    @display(description=gettext_lazy("Order"))
    def order_shown(self, parcel: ParcelEntry) -> str:
        """Of which order."""
        return parcel.new_card.order.number

    @display(description=gettext_lazy("State"))
    def parcel_state(self, parcel: ParcelEntry) -> SafeString:
        """Where it stands."""
        return state_tag("parcel", parcel.state)

    @display(description=gettext_lazy("Country"))
    def country_shown(self, parcel: ParcelEntry) -> str:
        """Where to."""
        return str(COUNTRIES[parcel.country].name)

    @display(description=gettext_lazy("Card"))
    def card_shown(self, parcel: ParcelEntry) -> str:
        """Which card goes into it."""
        return parcel.new_card.card.iccid

    @display(description=gettext_lazy("Ordered"))
    def ordered_at(self, parcel: ParcelEntry) -> str:
        """When it was ordered."""
        return moment(parcel.created_at, now=clock.now())

    def sections(self, row: ParcelEntry, request: HttpRequest) -> Sequence[Section]:
        now, new_card = clock.now(), row.new_card
        address = reveal_address(row)
        about: list[tuple[str, Cell]] = [
            (_("State"), state_tag("parcel", row.state)),
            (_("Order"), link(new_card.order.number, "orderentry", new_card.order_id)),
            (_("Card"), link(new_card.card.iccid, "cardentry", new_card.card_id)),
            (_("Ordered"), moment(row.created_at, now=now)),
            (_("Post service"), said(row.carrier)),
            (_("Tracking number"), said(row.tracking_number)),
            (_("Shipped"), moment(row.shipped_at, now=now)),
        ]
        where: list[tuple[str, Cell]] = [(_("Country"), self.country_shown(row))]
        where += address.lines() if address else [(_("Address"), _("deleted"))]
        return [
            Section(title=_("Parcel"), pairs=about),
            Section(title=_("Where to"), pairs=where),
            Section(title=_("What became of the parcel"), **move_rows("parcel", row.moves.order_by("pk"), now=now)),
        ]
