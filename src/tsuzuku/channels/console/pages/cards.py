# SPDX-License-Identifier: Apache-2.0
"""Cards as far as support needs them: what a card is and holds, and what was ordered for it."""

from collections.abc import Sequence

from django.contrib.admin import display
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tsuzuku.allowances.queries import LotView, card_allowance
from tsuzuku.cards.flags import flags_of
from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.console.models import CardEntry
from tsuzuku.channels.console.pages.reading import ReadingAdmin, digits_in
from tsuzuku.channels.console.sheets import Cell, Section, link, moment, said, tag, yes
from tsuzuku.channels.console.words import lot_tag, state_tag
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.renewals.models import Renewal

_LATEST = 20


class CardAdmin(ReadingAdmin[CardEntry]):
    """Cards."""

    slug = "cards"
    list_display = ("number", "kind_shown", "carrier", "group_shown", "blocked_shown", "last_day")
    search_help_text = gettext_lazy("Card number, telephone number or e-mail address of its holder")

    def found(self, text: str) -> Q:
        if "@" in text:
            return Q(holders__user__email=text.lower())
        if text.startswith("+"):
            return Q(msisdn=digits_in(text))
        return Q(iccid=digits_in(text)[:19])

    @display(description=gettext_lazy("Card number"))
    def number(self, card: CardEntry) -> str:
        """Its ICCID."""
        return card.iccid

    @display(description=gettext_lazy("Kind"))
    def kind_shown(self, card: CardEntry) -> str:
        """Plastic or profile."""
        return card.get_kind_display()

    @display(description=gettext_lazy("Group"))
    def group_shown(self, card: CardEntry) -> str:
        """Which plans it may buy."""
        return said(card.group)

    @display(description=gettext_lazy("Blocked"))
    def blocked_shown(self, card: CardEntry) -> Cell:
        """Whether it can be renewed."""
        return tag(card.get_blocked_display(), "act" if card.blocked else "good")

    @display(description=gettext_lazy("Last day of use"))
    def last_day(self, card: CardEntry) -> str:
        """Until when it can be renewed."""
        return formats.full_day(card.last_use_date) if card.last_use_date else "–"

    def sections(self, row: CardEntry, request: HttpRequest) -> Sequence[Section]:
        now = clock.now()
        holders = row.holders.select_related("user").order_by("pk")
        held = ", ".join(str(holder.user) for holder in holders)
        allowance = card_allowance(row.pk, now=now)
        flags = flags_of([row.pk]).get(row.pk, ())
        renewals = Renewal.objects.filter(card_id=row.pk).select_related("order", "plan").order_by("-pk")[:_LATEST]
        about: list[tuple[str, Cell]] = [
            (_("Card number"), row.iccid),
            (_("Telephone number"), said(row.msisdn)),
            (_("Kind"), row.get_kind_display()),
            (_("Carrier"), row.carrier),
            (_("Group"), said(row.group)),
            (_("Blocked"), self.blocked_shown(row)),
            (_("Last day of use"), self.last_day(row)),
            (_("Opens with a PIN"), yes(row.pin_hash is not None)),
            (_("Held by"), said(held)),
            (_("Online until"), moment(allowance.online_until, now=now)),
        ]
        return [
            Section(title=_("Card"), pairs=about),
            Section(
                title=_("Flags"),
                headers=[_("Why"), _("About"), _("When")],
                rows=[(flag.reason, flag.subject, moment(flag.raised_at, now=now)) for flag in flags],
                empty=_("There is none."),
            ),
            Section(
                title=_("What it holds"),
                headers=[_("Plan"), _("left"), _("Of how much"), _("State"), _("Begins"), _("Ends")],
                rows=[_lot_row(lot) for lot in allowance.lots],
                empty=_("Nothing yet."),
            ),
            Section(
                title=_("Latest orders"),
                headers=[_("Order"), _("Plan"), _("Order's state"), _("Renewal's state"), _("Ordered")],
                rows=[
                    (
                        link(renewal.order.number, "orderentry", renewal.order_id),
                        renewal.plan.code,
                        state_tag("order", renewal.order.state),
                        state_tag("renewal", renewal.state),
                        moment(renewal.created_at, now=now),
                    )
                    for renewal in renewals
                ],
                empty=_("Nothing was ordered for it."),
            ),
        ]


def _lot_row(lot: LotView) -> tuple[Cell, ...]:
    now = clock.now()
    size = {LotKind.DATA: formats.data_size, LotKind.VOICE: formats.voice, LotKind.MESSAGE: formats.messages}[lot.kind]
    starts_at, ends_at = lot.starts_at or lot.expected_starts_at, lot.ends_at or lot.expected_ends_at
    return (
        lot.plan_code,
        size(lot.remaining),
        size(lot.total),
        lot_tag(lot.state),
        moment(starts_at, now=now),
        moment(ends_at, now=now),
    )
