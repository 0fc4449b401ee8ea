# SPDX-License-Identifier: Apache-2.0
"""Plans, their terms, their prices per door, promotions, and rates to tell prices by.

Owns what is for sale; knows not who bought it.
"""
