# SPDX-License-Identifier: Apache-2.0
"""By what figures are told apart; data only."""

from enum import StrEnum


class Dimension(StrEnum):
    """By what figures can be told apart, in the order in which they stand."""

    DAY = "day"
    CHANNEL = "channel"
    METHOD = "method"
    PLAN = "plan"
