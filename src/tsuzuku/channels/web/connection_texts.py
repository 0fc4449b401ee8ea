# SPDX-License-Identifier: Apache-2.0
"""The findings of a connection check in words for travellers: what is the case, and the one thing to do."""

from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tsuzuku.channels.web.connection import Finding, Speed, Step, Verdict
from tsuzuku.look import formats

_NO_USE = _("It cannot be used or renewed. Please ask where you bought it.")
#: How each looks: good, soon, act.
TONES = {
    Finding.SUSPENDED: "act",
    Finding.LOST: "act",
    Finding.PAST_LAST_DATE: "act",
    Finding.ON_ITS_WAY: "soon",
    Finding.NO_PLAN: "act",
    Finding.TO_START: "act",
    Finding.WIFI: "soon",
    Finding.OTHER_MOBILE: "soon",
    Finding.ELSEWHERE: "soon",
    Finding.UNKNOWN_WAY: "soon",
    Finding.UNSTEADY: "soon",
    Finding.PARTLY: "act",
    Finding.DAY_USED_UP: "soon",
    Finding.SLOWER_THAN_PLAN: "soon",
    Finding.SLOW: "soon",
    Finding.ONLINE: "good",
    Finding.WELL: "good",
}
HEADINGS = {
    Finding.SUSPENDED: _("This card is suspended"),
    Finding.LOST: _("This card was reported lost"),
    Finding.PAST_LAST_DATE: _("This card has passed its last day"),
    Finding.ON_ITS_WAY: _("Your renewal is on its way"),
    Finding.NO_PLAN: _("No plan is running on this card"),
    Finding.TO_START: _("A plan is waiting for you"),
    Finding.WIFI: _("You are online over Wi-Fi"),
    Finding.OTHER_MOBILE: _("You are online, but not through this card"),
    Finding.ELSEWHERE: _("You are online, but not through this card"),
    Finding.UNKNOWN_WAY: _("You are online: through the card, or over Wi-Fi?"),
    Finding.UNSTEADY: _("Your connection comes and goes"),
    Finding.PARTLY: _("Your phone reaches only a part of the internet"),
    Finding.DAY_USED_UP: _("Online, but today’s full speed is used up"),
    Finding.SLOWER_THAN_PLAN: _("You are online, but slower than your plan"),
    Finding.SLOW: _("You are online, but slowly"),
    Finding.ONLINE: _("You are online"),
    Finding.WELL: _("All is well: you are online"),
}
_STEPS = {
    Finding.SUSPENDED: _NO_USE,
    Finding.LOST: _NO_USE,
    Finding.PAST_LAST_DATE: _("It cannot be renewed any more. Please get a new card or eSIM."),
    Finding.ON_ITS_WAY: _("It is paid, and the network is switching it on."),
    Finding.NO_PLAN: _("Choose a plan, and you are online again within minutes."),
    Finding.TO_START: _("Start it when you need it: its time begins at that moment."),
    Finding.WIFI: _("That says nothing about the card. Switch Wi-Fi off, then check again."),
    Finding.OTHER_MOBILE: _(
        "Choose this card for mobile data in the phone’s settings, and switch a VPN off. Then check again."
    ),
    Finding.ELSEWHERE: _("Switch Wi-Fi off, and a VPN if you use one. Then check again."),
    Finding.UNKNOWN_WAY: _("We cannot tell from here. Switch Wi-Fi off, then check again."),
    Finding.UNSTEADY: _("Switch flight mode on, wait ten seconds, and switch it off again. Then check again."),
    Finding.PARTLY: _(
        "In the phone’s settings for the access point (APN), choose “IPv4/IPv6” as its protocol. Then check again."
    ),
    Finding.SLOWER_THAN_PLAN: _(
        "Go near a window or outdoors, switch flight mode on, wait ten seconds, and switch it off. Then check again."
    ),
    Finding.SLOW: _("Perhaps today’s full speed is used up. The page of your card says so."),
    Finding.ONLINE: _("This page has come to your phone over the mobile network."),
    Finding.WELL: _("There is nothing to do."),
}
SPEEDS = {
    Speed.VIDEO: _("Fast enough for video"),
    Speed.MAPS: _("Enough for maps and chat"),
    Speed.MESSAGES: _("Messages only"),
    Speed.THROTTLED: _("Throttled, about 128 kbit/s"),
}


def step_text(verdict: Verdict, *, full_speed_at: datetime | None, now: datetime) -> str:
    """The one thing to do."""
    if verdict.finding is not Finding.DAY_USED_UP:
        return str(_STEPS[verdict.finding])
    if verdict.step is Step.CHOOSE_PLAN:
        return gettext("It does not come back with this plan. Another plan gives it at once.")
    if full_speed_at is None:
        return gettext("It does not come back with this plan, and this card can no longer be renewed. Get a new one.")
    at = {"at": formats.until(full_speed_at, now=now)}
    return gettext("It comes back by itself on %(at)s, Japan time. Until then messages still go through.") % at
