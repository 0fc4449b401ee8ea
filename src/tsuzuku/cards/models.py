# SPDX-License-Identifier: Apache-2.0
"""Cards, who holds them, and how often somebody guessed at a secret."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tsuzuku.kernel.iccid import masked


class CardKind(models.TextChoices):
    """A piece of plastic, or a profile that a phone downloads."""

    SIM = "sim", _("SIM card")
    ESIM = "esim", _("eSIM")


class Blocked(models.TextChoices):
    """Why a card may not be renewed, whatever is on it."""

    NO = "", _("not blocked")
    SUSPENDED = "suspended", _("suspended")
    LOST = "lost", _("reported lost")


class Card(models.Model):
    """One SIM or eSIM. PIN and activation code are protected by `protection`, and by no other module."""

    iccid = models.CharField(max_length=19)
    imsi = models.CharField(max_length=15, null=True)
    #: E.164 with its plus; data-only cards may have none, and a carrier gives a number to another card later.
    msisdn = models.CharField(max_length=16, null=True)
    kind = models.CharField(max_length=4, choices=CardKind)
    activation_code_encrypted = models.BinaryField(null=True)
    #: Null: this card cannot be opened with a PIN.
    pin_hash = models.BinaryField(null=True)
    #: Plans may be for some groups only; "" is none.
    group = models.CharField(max_length=64, default="", db_default="", blank=True)
    #: Whose card it is, by the name of that carrier's adapter.
    carrier = models.CharField(max_length=32)
    #: The last day, in the brand's time, on which the card can be renewed; null is no such day.
    last_use_date = models.DateField(null=True)
    blocked = models.CharField(max_length=9, choices=Blocked, default=Blocked.NO, db_default="", blank=True)
    #: Names the card in addresses and QR codes without saying anything about it.
    public_token = models.CharField(max_length=16)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            # Constraints rather than unique=True, with which Django makes a second index for LIKE that nobody reads.
            models.UniqueConstraint(fields=["iccid"], name="cards_card_iccid"),
            models.UniqueConstraint(fields=["public_token"], name="cards_card_public_token"),
            models.CheckConstraint(condition=Q(iccid__regex=r"^[0-9]{19}$"), name="cards_card_iccid_digits"),
            models.CheckConstraint(condition=Q(imsi__regex=r"^[0-9]{14,15}$"), name="cards_card_imsi_digits"),
            models.CheckConstraint(condition=Q(msisdn__regex=r"^\+[1-9][0-9]{6,14}$"), name="cards_card_msisdn_e164"),
            models.CheckConstraint(condition=Q(kind__in=CardKind.values), name="cards_card_kind"),
            models.CheckConstraint(condition=Q(blocked__in=Blocked.values), name="cards_card_blocked"),
        )

    def __str__(self) -> str:
        return masked(self.iccid)


class CardHolder(models.Model):
    """A person who may act for a card, and what they call it. A card may have several, a person too."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="holders")
    #: "" until its holder thinks of one.
    name = models.CharField(max_length=40, default="", db_default="", blank=True)
    since = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "card"], name="cards_cardholder_once"),)

    def __str__(self) -> str:
        return self.name or str(self.card)


class FriendLink(models.Model):
    """A link that somebody who may act for a card makes so that friends can renew it. Its address is its signed number.

    Whether it is open is told by `friend_links`.
    """

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="+")
    #: Null: whoever opened the card with its PIN.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    #: What friends read of the card; "": nothing.
    shown_name = models.CharField(max_length=40, default="", db_default="", blank=True)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    #: When it was ended before that.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("made_at")), name="cards_friendlink_ends"),
        )

    def __str__(self) -> str:
        return f"{self.card}: {self.shown_name}"


class CardFlag(models.Model):
    """Something about a card that staff should know. It blocks nothing; taken down, it stays to be read."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="flags")
    #: A code such as dispute.
    reason = models.TextField()
    #: What it is about, such as dispute:12; a card has one flag for each.
    subject = models.TextField()
    raised_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.TextField(default="", db_default="", blank=True)
    note = models.TextField(default="", db_default="", blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["card", "reason", "subject"], name="cards_cardflag_once"),
            models.CheckConstraint(
                condition=Q(cleared_at=None, cleared_by="") | Q(cleared_at__isnull=False) & ~Q(cleared_by=""),
                name="cards_cardflag_cleared",
            ),
        )

    def __str__(self) -> str:
        return f"{self.card}: {self.reason}"
