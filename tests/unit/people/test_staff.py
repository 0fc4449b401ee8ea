# SPDX-License-Identifier: Apache-2.0
"""Who belongs to the staff, and what is forgotten when somebody comes or goes."""

import json

import pytest
from allauth.account.models import EmailAddress
from click.testing import CliRunner
from django.contrib.auth.models import Group

from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.people.errors import AddressMalformed, RoleUnknown, StaffExists, StaffUnknown
from tsuzuku.people.models import User
from tsuzuku.people.second_factor import set_up_second_factor, staff_with_second_factor
from tsuzuku.people.staff import add_staff, remove_staff, reset_second_factor, role_of, set_role, staff_members
from tsuzuku.project.cli import tsuzuku
from tsuzuku.project.demo_factor import FACTOR_KEY

pytestmark = pytest.mark.django_db


def add(email: str = "mika@example.com", role: str = "finance") -> User:
    return add_staff(email=email, role=role, actor="operator", now=clock.now())


def told() -> list[tuple[str, str, str]]:
    facts = Fact.objects.filter(kind__startswith="staff-").order_by("pk")
    return [(fact.kind, fact.actor, fact.body["subject"]) for fact in facts]


def test_somebody_comes_changes_and_goes() -> None:
    user = add(" Mika@Example.com ")
    assert [(each.email, role_of(each)) for each in staff_members()] == [("mika@example.com", "finance")]
    set_role(email="MIKA@example.com", role="support", actor="operator", now=clock.now())
    set_role(email="mika@example.com", role="support", actor="operator", now=clock.now())
    set_up_second_factor(user, FACTOR_KEY)
    assert staff_with_second_factor() == {user.pk}
    reset_second_factor(email="mika@example.com", actor="operator", now=clock.now())
    assert staff_with_second_factor() == frozenset()
    remove_staff(email="mika@example.com", actor="operator", now=clock.now())
    assert list(staff_members()) == []
    kinds = ["staff-added", "staff-role-changed", "staff-second-factor-reset", "staff-removed"]
    assert told() == [(kind, "operator", f"staff:{user.pk}") for kind in kinds]
    user.refresh_from_db()
    assert (user.is_active, user.is_staff, user.has_usable_password(), user.groups.count()) == (False, False, False, 0)
    assert add().pk == user.pk


def test_what_opened_a_customers_account_does_not_open_the_console() -> None:
    """Whoever signed up with the address first may not be whose address it is."""
    customer = User.objects.create_user("mika@example.com", "somebody's password")
    EmailAddress.objects.create(user=customer, email="else@example.com", verified=True, primary=True)
    set_up_second_factor(customer, FACTOR_KEY)
    user = add()
    assert (user.pk, user.has_usable_password(), staff_with_second_factor()) == (customer.pk, False, frozenset())
    addresses = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    assert list(addresses) == [("mika@example.com", True, True)]


def test_what_cannot_be_is_refused() -> None:
    add()
    with pytest.raises(StaffExists):
        add()
    with pytest.raises(AddressMalformed):
        add("mika")
    with pytest.raises(RoleUnknown) as raised:
        add("other@example.com", "boss")
    assert raised.value.particulars == {"role": "boss", "roles": "finance, manager, support"}
    assert not User.objects.filter(email="other@example.com").exists()
    User.objects.create_user("customer@example.com")
    for verb in (remove_staff, reset_second_factor):
        with pytest.raises(StaffUnknown):
            verb(email="customer@example.com", actor="operator", now=clock.now())


def test_roles_follow_their_table() -> None:
    from tsuzuku.channels.console.roles import ROLES, keep_roles

    group = Group.objects.get(name="support")
    group.permissions.clear()
    Group.objects.get(name="finance").permissions.set(Group.objects.get(name="manager").permissions.all())
    keep_roles()
    kept = {name: set(Group.objects.get(name=name).permissions.values_list("codename", flat=True)) for name in ROLES}
    assert kept == ROLES


@pytest.mark.django_db(transaction=True)
def test_the_command_line() -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(tsuzuku, ["staff", *words], catch_exceptions=False)
        return result.exit_code, result.output

    assert run("list") == (0, "Nobody is on the staff yet.\n")
    code, output = run("add", "mika@example.com", "--role", "finance")
    assert (code, output.splitlines()[0]) == (0, "mika@example.com is on the staff: finance.")
    assert run("role", "mika@example.com", "manager") == (0, "mika@example.com: manager.\n")
    assert json.loads(run("list", "--json")[1]) == [
        {"email": "mika@example.com", "role": "manager", "second_factor": False}
    ]
    assert run("reset", "mika@example.com")[0] == 0
    assert run("role", "mika@example.com", "boss") == (
        1,
        "Error: role-unknown (role=boss, roles=finance, manager, support)\n",
    )
    assert run("remove", "mika@example.com") == (0, "mika@example.com is no longer on the staff.\n")
    code, output = run("remove", "mika@example.com")
    assert (code, output) == (1, "Error: staff-unknown (email=mika@example.com): `tsuzuku staff list` has them all\n")
