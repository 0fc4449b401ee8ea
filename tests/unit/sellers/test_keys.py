# SPDX-License-Identifier: Apache-2.0
"""Keys open what they were made for until they are revoked, and nobody can read them again."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.sellers.actions import NewKey, create_key, revoke_key
from tsuzuku.sellers.errors import ApiKeyUnknown, CallsMalformed, PartnerUnknown, ScopeUnknown
from tsuzuku.sellers.models import ApiKey
from tsuzuku.sellers.queries import Caller, callers, key_digest, keys_of
from tsuzuku.sellers.scopes import Scope
from tsuzuku.testing.factories import make_partner

pytestmark = pytest.mark.django_db


def new_key(name: str = "Kaze", **fields: Any) -> NewKey:  # noqa: ANN401  # any field of create_key
    usual = {"scopes": ["cards:read"], "actor": "operator", "now": clock.now()}
    return create_key(**{"name": name, **usual, **fields})


def revoke(key: NewKey) -> bool:
    return revoke_key(key_id=key.id, actor="operator", now=clock.now())


def who(*keys: str) -> list[Caller | None]:
    found = callers([key_digest(key) for key in keys])
    return [found.get(key_digest(key)) for key in keys]


def test_a_key_names_its_number_and_is_random() -> None:
    make_partner("Kaze")
    one, other = new_key(), new_key()
    assert re.fullmatch(rf"tsz_{one.id}_[A-Za-z0-9_-]{{43}}", one.key)
    assert one.key.removeprefix(f"tsz_{one.id}_") != other.key.removeprefix(f"tsz_{other.id}_")
    assert one.id != other.id


def test_a_key_is_kept_as_a_digest_and_shown_nowhere() -> None:
    partner = make_partner("Kaze")
    key = new_key(scopes=["renewals:write", "cards:read", "cards:read"], calls_per_second=7)
    (row,) = keys_of(partner)
    assert bytes(row.digest) == key_digest(key.key)
    assert (row.pk, row.scopes, row.calls_per_second) == (key.id, ["cards:read", "renewals:write"], 7)
    shown = f"{key!r} {row!r} {row} {list(Fact.objects.values_list('body', flat=True))}"
    assert key.key[-43:] not in shown


def test_a_caller_is_found_by_key() -> None:
    kaze, umi = make_partner("Kaze"), make_partner("Umi", card_groups=["5g", "lte"])
    one = new_key("Kaze")
    two = new_key("Umi", scopes=[scope.value for scope in Scope], calls_per_second=9)
    assert who(one.key, "tsz_1_nobody's", two.key, "", "\udcff", one.key + "x") == [
        Caller(kaze.pk, one.id, frozenset({"cards:read"}), None, 5000),
        None,
        Caller(umi.pk, two.id, frozenset(Scope), frozenset({"5g", "lte"}), 9),
        None,
        None,
        None,
    ]
    assert callers([]) == {}


def test_many_callers_cost_one_statement() -> None:
    make_partner("Kaze")
    keys = [new_key().key for _ in range(3)]
    for count in (1, 3):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            who(*keys[:count])
        assert len(queries) == 1


def test_a_revoked_key_opens_nothing() -> None:
    make_partner("Kaze")
    key, other = new_key(), new_key()
    assert (revoke(key), revoke(key)) == (True, False)
    assert [caller is not None for caller in who(key.key, other.key)] == [False, True]
    assert list(Fact.objects.filter(kind="api-key-revoked").values_list("body__key_id", flat=True)) == [key.id]


def test_a_key_that_is_not_there_cannot_be_revoked() -> None:
    with pytest.raises(ApiKeyUnknown):
        revoke_key(key_id=4711, actor="operator", now=clock.now())


@pytest.mark.parametrize(
    ("wrong", "error", "particulars"),
    [
        ({"scopes": ["cards:read", "cards:write"]}, ScopeUnknown, {"scope": "cards:write"}),
        ({"scopes": []}, ScopeUnknown, {"scope": ""}),
        ({"calls_per_second": 0}, CallsMalformed, {}),
        ({"calls_per_second": 10**7}, CallsMalformed, {}),
        ({"name": "Nobody"}, PartnerUnknown, {}),
    ],
)
def test_what_cannot_be_a_key(wrong: dict[str, Any], error: type[Exception], particulars: dict[str, str]) -> None:
    make_partner("Kaze")
    with pytest.raises(error) as refused:
        new_key(**wrong)
    assert getattr(refused.value, "particulars", None) == particulars
    assert not ApiKey.objects.exists()
