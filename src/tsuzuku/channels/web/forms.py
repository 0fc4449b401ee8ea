# SPDX-License-Identifier: Apache-2.0
"""What people type or choose, read and checked."""

from datetime import date, datetime, time, timedelta
from typing import Any

from babel import Locale
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from tsuzuku.allowances.advice import check_flight
from tsuzuku.allowances.errors import FlightPast, FlightTooFar
from tsuzuku.balances.errors import AmountNotOffered
from tsuzuku.balances.rules import AMOUNT_MAX, AMOUNT_MIN, STEP, check_amount
from tsuzuku.cards.errors import CardNameMalformed
from tsuzuku.cards.friend_links import DAYS
from tsuzuku.cards.rules import NAME_LENGTH_MAX, check_name
from tsuzuku.channels.web.flights import flight_moment
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.kernel.iccid import IccidMalformed, parse_iccid
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.look.formats import local
from tsuzuku.people.errors import PhoneCountryNotOffered, PhoneMalformed
from tsuzuku.people.passkeys import NAME_LENGTH_MAX as PASSKEY_NAME_LENGTH_MAX
from tsuzuku.people.phone_numbers import country_code, read_number
from tsuzuku.receipts.texts import TEXTS
from tsuzuku.reminders.rules import ZONES
from tsuzuku.reminders.subscriptions import TEXT_LENGTH_MAX
from tsuzuku.renewals.errors import GiverNameMalformed
from tsuzuku.renewals.gifts import GIVER_NAME_LENGTH_MAX, check_giver_name

#: As long as anything that could be a number or a PIN, written with spaces.
_NUMBER_LENGTH_MAX, _PIN_LENGTH_MAX = 40, 20


NO_ADDRESS = _("To pay at a store, please give an e-mail address: the numbers go there, too.")
SLIPS_OVER = _("New numbers for a store are given out only within a day of the order. Please pay another way.")


class CardNumberForm(forms.Form):
    """A card's number. What is wrong with it by itself is said at once; whether it is a card, never."""

    number = forms.CharField(
        label=_("Card number"),
        max_length=_NUMBER_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"class": "digits", "inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        try:
            parse_iccid(number)
        except IccidMalformed as malformed:
            raise forms.ValidationError(refusal_text(malformed), code=malformed.code) from None
        return number


class OpenCardForm(CardNumberForm):
    """Number and PIN."""

    pin = forms.CharField(
        label=_("PIN"),
        max_length=_PIN_LENGTH_MAX,
        widget=forms.PasswordInput(attrs={"class": "digits", "inputmode": "numeric", "autocomplete": "off"}),
    )


class CardNameForm(forms.Form):
    """What somebody calls a card."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH_MAX, required=False, strip=True)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            check_name(name)
        except CardNameMalformed as malformed:
            raise forms.ValidationError(refusal_text(malformed), code=malformed.code) from None
        return name


class PasskeyNameForm(forms.Form):
    """What somebody calls a passkey: mostly the device that keeps it."""

    name = forms.CharField(label=_("Name"), max_length=PASSKEY_NAME_LENGTH_MAX, strip=True)


class PhoneForm(forms.Form):
    """A mobile number; its country counts where the number names none."""

    country = forms.ChoiceField(label=_("Country or region"), widget=forms.Select(attrs={"autocomplete": "country"}))
    number = forms.CharField(
        label=_("Mobile number"),
        max_length=_NUMBER_LENGTH_MAX,
        widget=forms.TextInput(attrs={"class": "digits", "type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # a form's
        super().__init__(*args, **options)
        territories = Locale.parse(to_locale(get_language() or "en")).territories
        self.fields["country"].choices = [  # type: ignore[attr-defined]  # a choice field's
            (each, f"{territories.get(each, each)} +{country_code(each)}") for each in settings.PHONE_COUNTRIES
        ]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "number" in found and "country" in found:
            try:
                found["phone"] = read_number(found["number"], region=found["country"], offered=settings.PHONE_COUNTRIES)
            except (PhoneMalformed, PhoneCountryNotOffered) as refused:
                self.add_error("number", refusal_text(refused))
        return found


class LeaveForm(forms.Form):
    """The last word before an account is deleted; whoever has a balance gives up just what they were shown."""

    balance = forms.IntegerField(required=False)
    gives_up = forms.BooleanField(required=False)

    def __init__(self, *args: Any, balance: Money, **options: Any) -> None:  # noqa: ANN401  # a form's
        super().__init__(*args, **options)
        self._balance = balance

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        left = self._balance.amount_minor
        if left and not (found.get("gives_up") and found.get("balance") == left):
            raise forms.ValidationError(_("Please confirm that you give up your balance, or use it first."))
        return found


class AddCardForm(OpenCardForm, CardNameForm):
    """A card for an account: its number, its PIN, and a name if one comes to mind."""

    field_order = ("number", "pin", "name")


class ConfirmForm(forms.Form):
    """The last word before paying: what was shown (`digest`), under which key, a coupon, where the proof goes."""

    digest = forms.CharField(max_length=64)
    key = forms.UUIDField()
    email = forms.EmailField(
        label=_("E-mail for the confirmation"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    coupon = forms.CharField(required=False)


class FriendForm(ConfirmForm):
    """The same of a friend: what they want to be called, and of which renewal just before theirs they were told."""

    giver = forms.CharField(
        label=_("Your name, for whoever has the card"),
        required=False,
        max_length=GIVER_NAME_LENGTH_MAX,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    warned = forms.CharField(required=False)

    def clean_giver(self) -> str:
        name: str = self.cleaned_data["giver"]
        try:
            check_giver_name(name)
        except GiverNameMalformed as malformed:
            raise forms.ValidationError(refusal_text(malformed), code=malformed.code) from None
        return name


def _link_lengths() -> list[tuple[int, str]]:
    return [(each, formats.duration(timedelta(days=each))) for each in DAYS]


class FriendLinkForm(CardNameForm):
    """A link for friends: what they read of the card, and for how many days it can be followed."""

    name = forms.CharField(
        label=_("What they read of the card"),
        max_length=NAME_LENGTH_MAX,
        required=False,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(label=_("The link works for"), choices=_link_lengths, coerce=int, initial=DAYS[1])


class NewCardForm(ConfirmForm):
    """The same for a new eSIM, which nobody can use whose phone takes none."""

    checked = forms.BooleanField(error_messages={"required": _("Please check your phone first, and say so here.")})


class AddressForm(forms.Form):
    """Where the numbers for a store go, and the proof; empty for every other way of paying."""

    use_required_attribute = False
    email = forms.EmailField(
        label=_("E-mail for the confirmation"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class TopUpForm(forms.Form):
    """How much to top up by: one of the amounts on buttons, or another one; and under which key."""

    # One of both is enough.
    use_required_attribute = False

    amount = forms.IntegerField(
        label=_("Another amount"),
        min_value=AMOUNT_MIN,
        max_value=AMOUNT_MAX,
        widget=forms.NumberInput(attrs={"step": STEP, "inputmode": "numeric", "autocomplete": "off"}),
    )
    key = forms.UUIDField()

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        try:
            check_amount(amount)
        except AmountNotOffered as refused:
            raise forms.ValidationError(refusal_text(refused), code=refused.code) from None
        return amount


class ReceiptForm(forms.Form):
    """A receipt to be handed out: in which language, and under which key."""

    language = forms.ChoiceField(choices=[(tag, tag) for tag in TEXTS])
    key = forms.UUIDField()


class FlightForm(forms.Form):
    """When somebody flies home: a day, and a time if they know it. Checked against `now`."""

    # An empty form forgets the flight.
    use_required_attribute = False

    day = forms.DateField(
        label=_("When do you fly home?"),
        error_messages={
            "required": _("Please choose the day of your flight."),
            "invalid": _("This is not a day. Please write it like 2026-12-31."),
        },
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"}),
        input_formats=["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"],
    )
    at = forms.TimeField(
        label=_("At what time? (Japan time, may be left empty)"),
        required=False,
        error_messages={"invalid": _("This is not a time. Please write it like 14:30.")},
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "autocomplete": "off"}),
    )

    def __init__(self, answers: QueryDict | None = None, *, flight: datetime | None = None, now: datetime) -> None:
        local_flight = local(flight) if flight else None
        # A flight of which only the day is known is kept as the midnight that ends it.
        is_day = local_flight is not None and (local_flight.hour, local_flight.minute) == (0, 0)
        initial: dict[str, date | time] = {}
        if local_flight is not None:
            initial["day"] = local_flight.date() - timedelta(days=1) if is_day else local_flight.date()
            if not is_day:
                initial["at"] = local_flight.time()
        super().__init__(answers, initial=initial)
        self._now = now

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            cleaned["flight"] = flight_moment(cleaned["day"], cleaned["at"])
            check_flight(cleaned["flight"], now=self._now)
        except (FlightPast, FlightTooFar) as refused:
            self.add_error("day", refusal_text(refused))
        except OverflowError:
            # At the end of the calendar: no day comes after it.
            self.add_error("day", refusal_text(FlightTooFar()))
        return cleaned


class PreferencesForm(forms.Form):
    """How somebody wants to hear, and between which times of the day not."""

    by_email = forms.BooleanField(required=False)
    by_sms = forms.BooleanField(required=False)
    by_push = forms.BooleanField(required=False)
    names_friends = forms.BooleanField(required=False)
    quiet_from = forms.TimeField()
    quiet_until = forms.TimeField()
    zone = forms.ChoiceField(choices=[(zone, zone) for zone in ZONES])


class PushDeviceForm(forms.Form):
    """A browser that can be pushed to, and what to call it."""

    subscription = forms.CharField(max_length=TEXT_LENGTH_MAX)
    name = forms.CharField(required=False, max_length=200)
