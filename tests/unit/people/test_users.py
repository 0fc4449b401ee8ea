# SPDX-License-Identifier: Apache-2.0
import pytest
from django.db import IntegrityError, transaction

from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db


def test_an_address_is_one_user_however_it_is_written() -> None:
    user = User.objects.create_user(" Mei@Example.com ", "secret word")
    assert user.email == "mei@example.com"
    assert User.objects.get_by_natural_key("MEI@example.COM") == user
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("mei@EXAMPLE.com")


def test_the_database_takes_no_capital_letters() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="Mei@example.com")


def test_cleaning_folds_the_address() -> None:
    user = User(email="Mei@Example.com", password="x")
    user.full_clean()
    assert user.email == "mei@example.com"


def test_without_a_password_nobody_logs_in() -> None:
    assert not User.objects.create_user("mei@example.com").has_usable_password()


def test_staff_are_made_on_purpose() -> None:
    customer = User.objects.create_user("mei@example.com", "secret word")
    staff = User.objects.create_superuser("root@example.com", "secret word")
    assert [customer.is_staff, customer.is_superuser] == [False, False]
    assert [staff.is_staff, staff.is_superuser] == [True, True]


def test_a_user_is_called_by_name_if_there_is_one() -> None:
    assert User(email="mei@example.com").get_full_name() == "mei@example.com"
    assert User(email="mei@example.com", display_name="陈梅").get_short_name() == "陈梅"
