# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

from tsuzuku.kernel.errors import DomainError


class ReminderLinkForged(DomainError):
    """No reminder has this link: it was not copied whole, or made up."""

    code = "reminder-link-forged"


class ReminderLinkOver(DomainError):
    """The reminder's link is too old, or the card was renewed since."""

    code = "reminder-link-over"


class UnsubscribeLinkForged(DomainError):
    """The link ends nobody's mails: it was not copied whole, or made up."""

    code = "unsubscribe-link-forged"


class ZoneUnknown(DomainError):
    """Quiet hours are told in one of the zones that are offered."""

    code = "zone-unknown"


class PushSubscriptionMalformed(DomainError):
    """What a browser gave out is no push subscription: an https endpoint with the keys p256dh and auth."""

    code = "push-subscription-malformed"
