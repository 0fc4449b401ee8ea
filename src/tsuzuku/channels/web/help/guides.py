# SPDX-License-Identifier: Apache-2.0
"""What to do on a phone, step by step: the same for all of them, in the words of each one's menus. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from tsuzuku.channels.web.help.menus import DATA_SWITCHING, MENUS, Task, Way

if TYPE_CHECKING:
    from tsuzuku.channels.web.help.phones import Phone
    from tsuzuku.kernel.access_points import AccessPoint


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and where in the settings that is."""

    text: str
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One end to reach, under its heading. `anchor` leads there."""

    anchor: str
    heading: str
    steps: tuple[Step, ...]
    note: str = ""


def guide(phone: "Phone", access_point: "AccessPoint | None" = None) -> list[Part]:
    """Everything for one phone, in the language that is active, in the order in which travellers need it.

    `access_point` is that of every card of the brand; None if it depends on the card.
    """
    way = MENUS[phone.slug]
    return [
        _card(phone),
        _esim(phone, way[Task.ESIM]),
        _line(phone, way[Task.LINE]),
        Part(
            Task.ROAMING,
            _("Data roaming"),
            (
                Step(_("Switch it on for this SIM:"), way[Task.ROAMING]),
                Step(_("Leave it off for your own SIM from home: there it would cost you.")),
            ),
            note=_("A travel SIM often needs roaming to get online. It costs nothing beyond the plan that you paid."),
        ),
        Part(
            "restart",
            _("Bars, but no internet"),
            (
                Step(_("Switch flight mode on, wait ten seconds, and switch it off.")),
                Step(_("Still nothing? Switch the phone off and on again.")),
                Step(_("Still nothing? Look at roaming above and at the APN below.")),
            ),
        ),
        _apn(way[Task.APN], access_point),
        Part(
            Task.USE,
            _("How much data you use"),
            (Step(_("The phone counts for each app:"), way[Task.USE]),),
            note=_("What the network has counted is what matters: it stands on the page of your card."),
        ),
        Part(
            Task.HOTSPOT,
            _("Share it with other devices"),
            (Step(_("Switch the hotspot on:"), way[Task.HOTSPOT]),),
            note=_("Not every plan allows it. Each plan says so before you pay."),
        ),
    ]


def _card(phone: "Phone") -> Part:
    takes_none = _("iPhones sold in the USA since 2022, and some newer ones elsewhere, take no card: get an eSIM.")
    return Part(
        "card",
        _("Put the card in"),
        (
            Step(_("Switch the phone off. Press the pin, or a paper clip, into the small hole beside the tray.")),
            Step(_("Lay the card into the tray as its cut corner fits, and push the tray back.")),
            Step(_("Switch the phone on and wait a minute. Put your own card where you will find it again.")),
        ),
        note=takes_none if phone.slug == "iphone" else "",
    )


def _esim(phone: "Phone", way: Way) -> Part:
    on_this_phone = (
        _("Is the code on this iPhone itself? Keep your finger on it, then tap the line that adds an eSIM.")
        if phone.slug == "iphone"
        else _("Is the code on this phone itself? Show it on another screen, or print it.")
    )
    return Part(
        Task.ESIM,
        _("Install the eSIM"),
        (
            Step(
                _("Dial *#06#: a phone that shows an EID can take an eSIM. Most phones sold in mainland China cannot.")
            ),
            Step(_("Connect to Wi-Fi. Then open:"), way),
            Step(_("Scan the QR code that you got with your eSIM, and confirm.")),
            Step(on_this_phone),
        ),
        note=_("Do not delete it afterwards: most codes work only once. Renewing needs no new code."),
    )


def _line(phone: "Phone", way: Way) -> Part:
    switching = Step(_("Switch this off there, or data of your SIM from home may be used:"), Way((DATA_SWITCHING,)))
    return Part(
        Task.LINE,
        _("Two SIMs in one phone"),
        (
            Step(_("Choose this SIM for mobile data:"), way),
            *([switching] if phone.slug == "iphone" else []),
        ),
        note=_("Your own SIM may stay switched on for calls and SMS."),
    )


def _apn(way: Way, access_point: "AccessPoint | None") -> Part:
    return Part(
        Task.APN,
        _("The APN"),
        (
            Step(_("Open, and add one if the list has none:"), way),
            *_entries(access_point),
            Step(_("Leave everything else as it is, save, and choose it.")),
        ),
        note=_("Most phones find it by themselves. It is only needed where nothing else has helped."),
    )


def _entries(access_point: "AccessPoint | None") -> list[Step]:
    if access_point is None:
        return [Step(_("Enter the APN printed on the card’s package, or told with your eSIM."))]
    steps = [Step(_("Enter as APN: %(apn)s") % {"apn": access_point.name})]
    if access_point.user:
        names = {"user": access_point.user, "password": access_point.password}
        steps.append(Step(_("Enter as user name: %(user)s, as password: %(password)s") % names))
    return steps
