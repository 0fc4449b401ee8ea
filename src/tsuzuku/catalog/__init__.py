# SPDX-License-Identifier: Apache-2.0
"""Plans, their terms, their prices per door, and promotions. Owns what is for sale; knows not who bought it."""
