# SPDX-License-Identifier: Apache-2.0
"""Who may do what. The roles of the database follow this table whenever it is brought up to date."""

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

_SUPPORT = frozenset(
    {
        "view_orderentry",
        "view_paymententry",
        "view_refundentry",
        "view_proposalentry",
        "view_disputeentry",
        "view_cardentry",
        "view_parcelentry",
        "send_parcel",
        "view_promotionentry",
        "resend_receipt",
        "propose_refund",
    }
)
_FINANCE = frozenset(
    {
        "view_orderentry",
        "view_paymententry",
        "view_refundentry",
        "view_proposalentry",
        "view_disputeentry",
        "view_promotionentry",
        "view_partnerentry",
        "view_salesentry",
        "view_differenceentry",
        "view_settlemententry",
        "settle_difference",
        "resend_receipt",
        "propose_refund",
        "approve_refund",
        "settle_refund",
        "take_evidence",
        "resolve_order",
    }
)

#: What each role may do, as permissions of this door.
ROLES: Mapping[str, frozenset[str]] = {
    "support": _SUPPORT,
    "finance": _FINANCE,
    "manager": _SUPPORT | _FINANCE | {"clear_flag", "offer_promotion", "view_trailentry"},
}


def keep_roles(**_kwargs: object) -> None:
    """Makes the groups of the database what the table says. Everything else that is in such a group is taken out."""
    # Content types are remembered over a test's database.
    ContentType.objects.clear_cache()
    permissions = {
        permission.codename: permission for permission in Permission.objects.filter(content_type__app_label="console")
    }
    with transaction.atomic():
        for name, codenames in ROLES.items():
            group, _is_new = Group.objects.get_or_create(name=name)
            group.permissions.set([permissions[codename] for codename in sorted(codenames)])
