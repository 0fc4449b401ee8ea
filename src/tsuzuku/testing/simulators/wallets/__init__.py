# SPDX-License-Identifier: Apache-2.0
"""What simulators of wallets share: a page that stands for the payer's app, and what can go wrong after paying."""

from enum import StrEnum


class Trouble(StrEnum):
    """What goes wrong on the way to the merchant."""

    NONE = "none"
    LATE = "late"
    TWICE = "twice"
    #: Told to nobody, as when the address cannot be reached for a day.
    LOST = "lost"
