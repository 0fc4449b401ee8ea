# SPDX-License-Identifier: Apache-2.0
"""What people ask, with answers that hold for this installation: what a setting or a rule decides comes from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from tsuzuku.balances.rules import AMOUNT_MAX, AMOUNT_MIN, LASTS_DAYS
from tsuzuku.channels.web.access import OPENED_FOR
from tsuzuku.channels.web.help.doors import Installation
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.orders.keeping import PAY_WITHIN
from tsuzuku.orders.policy import CURRENT_POLICY, TOP_UP_POLICY, policy_sentences
from tsuzuku.reminders.rules import BEFORE_END
from tsuzuku.renewals.activation import GIVE_UP_AFTER


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the sentences of its answer. `slug` stands in addresses; `page` names where to go on."""

    slug: str
    text: str
    answer: Sequence[str]
    page: str = ""
    link: str = ""


def questions(installation: Installation) -> list[Question]:
    """All of them, in the language that is active, what is asked in a hurry first."""
    asked = [*_about_being_online(), *_about_plans(), *_about_paying(installation), *_about_cards(), _contact()]
    return [question for question in asked if question is not None]


def _about_being_online() -> list[Question]:
    return [
        Question(
            "how-soon",
            _("I have paid. When am I online?"),
            (
                _("Mostly in less than a minute. The page of your order shows each step, and goes on if you close it."),
                _("If the network has not confirmed it within %(duration)s, all of your money goes back by itself.")
                % {"duration": formats.duration(GIVE_UP_AFTER)},
            ),
        ),
        Question(
            "nothing-happens",
            _("It says “renewed”, but nothing loads"),
            (
                _("Switch flight mode on, wait ten seconds, and switch it off."),
                _("Then look whether data roaming is on for this SIM, and whether it is the one used for data."),
                _("The guide for your phone has the words of its menus."),
            ),
            "phone_guides",
            _("Your phone, step by step"),
        ),
        Question(
            "slow",
            _("Why is it slow today?"),
            (
                _("Some plans give so much data a day at full speed. After that it is slow, but you are not cut off."),
                _("Full speed comes back at midnight, Japan time."),
                _("These pages are light enough to renew all the same."),
            ),
        ),
    ]


def _about_plans() -> list[Question]:
    return [
        Question(
            "days",
            _("When does a day end?"),
            (
                _("That depends on the plan: after 24 hours, or at midnight in Japan, the first day counting as one."),
                _("Before you pay you see until when it lasts. All times here are Japan time."),
            ),
        ),
        Question(
            "early",
            _("Do I lose what is left if I renew early?"),
            (
                _("No: what is left stays. The new plan comes after it, beside it, or adds to it, as the plan says."),
                _("If something ends earlier than before, the page says so before you pay."),
            ),
        ),
        Question(
            "reminders",
            _("Do you tell me before it ends?"),
            (
                _("Yes, if your card is in an account: %(times)s before the end, and when data runs low or is used up.")
                % {"times": _(", ").join(formats.duration(span) for span in BEFORE_END.values())},
                _("You choose how you hear of it, and when you want to hear nothing."),
            ),
            "reminder_preferences",
            _("Reminders"),
        ),
    ]


def _about_paying(installation: Installation) -> list[Question | None]:
    return [
        _foreign_card() if installation.takes_foreign_cards else None,
        Question(
            "payment-failed",
            _("My payment failed. Was I charged?"),
            (
                _("A payment that failed costs nothing. An order keeps its price for at least %(duration)s.")
                % {"duration": formats.duration(PAY_WITHIN)},
                _("The page of the order says why, as far as your bank told us. Try again or choose another way."),
                _("If two payments arrive for one order, one of them goes back by itself."),
            ),
        ),
        _store() if installation.takes_cash else None,
        Question(
            "refund",
            _("Can I get my money back?"),
            (
                *policy_sentences(CURRENT_POLICY),
                _("You can cancel an order that is not paid at any time, at no cost."),
            ),
        ),
        Question(
            "friend",
            _("Can somebody else pay for me?"),
            (
                _(
                    "Yes. Make a link on your card’s page and send it, or tell them the number of your card. "
                    "They need no account."
                ),
                _("They see plans and prices, and nothing of what is left or was used."),
                _(
                    "You choose how long a link works, and can end it at any time. "
                    "The link of a reminder can be passed on, too."
                ),
            ),
        ),
        Question("balance", _("What is a balance?"), _balance()),
        Question(
            "receipt",
            _("Where is my receipt?"),
            (
                _("On the page of the order, as soon as the card is renewed: to look at, as PDF, or by mail."),
                *([_("It is a Japanese qualified invoice.")] if settings.BRAND_TAX_NUMBER else []),
                _("Anybody can check by its QR code whether it is genuine."),
            ),
        ),
    ]


def _foreign_card() -> Question:
    return Question(
        "foreign-card",
        _("Does a bank card from my country work?"),
        (
            _("Yes. Beside every way to pay stands which cards or accounts it takes, before you choose."),
            _("Prices are in yen. Your bank converts them, and may take a fee of its own."),
            _("If your bank refuses, another card, another way or cash may work: your order is kept."),
        ),
    )


def _store() -> Question:
    return Question(
        "store",
        _("By when must I pay at the convenience store?"),
        (
            _("The day and time stand above the numbers, in Japan time, and in the mail that we send with them."),
            _("After that the numbers are dead and nothing is charged. While your order is kept you can get new ones."),
            _("The plan begins only after you paid: take the numbers when you are near a store."),
        ),
    )


def _balance() -> list[str]:
    amounts = {"least": formats.money(Money(AMOUNT_MIN, "JPY")), "most": formats.money(Money(AMOUNT_MAX, "JPY"))}
    answer = [
        _("Money that you keep here to pay renewals from, %(least)s to %(most)s at a time, with an account.") % amounts
    ]
    if not settings.BALANCE_REGISTERED:
        lasts = formats.duration(timedelta(days=LASTS_DAYS))
        answer.append(_("A top-up can be used for %(duration)s. We write before it ends.") % {"duration": lasts})
    return [*answer, *policy_sentences(TOP_UP_POLICY)]


def _about_cards() -> list[Question]:
    return [
        Question(
            "pin",
            _("Where is the PIN of my card?"),
            (
                _("Printed on the card beside its number, or in the mail with your eSIM. It is not your phone’s PIN."),
                _("Too many wrong tries close the card for a while. In an account you need the PIN only once."),
                _("Opened with the PIN, a card stays open in this browser for %(duration)s.")
                % {"duration": formats.duration(OPENED_FOR)},
            ),
        ),
        Question(
            "lost",
            _("I have lost my card or my phone"),
            (
                _("Ask where you bought the card: there it can be blocked, so that nobody else uses it."),
                _("With an account, log in on another device and end the logins of the lost one."),
            ),
            "devices",
            _("Where you are logged in"),
        ),
        Question(
            "end",
            _("Until when can my card be renewed?"),
            (
                _("Until its last day of use, if it has one: it stands on the page of the card. After it, none helps."),
                _("A card without a plan can mostly be renewed for a while; how long depends on the plan."),
                _("Once it is over, you need a new card or eSIM."),
            ),
        ),
    ]


def _contact() -> Question:
    where = (
        _("Write to %(contact)s.") % {"contact": settings.BRAND_CONTACT}
        if settings.BRAND_CONTACT
        else _("Ask where you bought the card.")
    )
    return Question(
        "contact",
        _("How do I reach a person?"),
        (
            where,
            _("Have the number of your order at hand. Nobody of us asks for your PIN."),
        ),
    )
