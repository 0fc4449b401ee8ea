# SPDX-License-Identifier: Apache-2.0
"""Partners who renew cards through the API: who they are, their keys, their account, and the webhooks that tell them.

Owns no money: a partner's balance is an account of `payments`. Renewals are made by `renewals`, whoever asks for them.
"""
