# SPDX-License-Identifier: Apache-2.0
"""The way in: password, then a code; setting up; asked again for money; guessing is stopped."""

import base64
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.unit.channels.conftest import PASSWORD
from tests.unit.channels.console.conftest import Rows, let_in, make_staff
from tests.unit.channels.web.test_accounts import code_of_mail
from tsuzuku.kernel import clock
from tsuzuku.project.demo_factor import FACTOR_KEY, factor_code

if TYPE_CHECKING:
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def log_in(email: str) -> Client:
    client = Client()
    client.post("/login", {"login": email, "password": PASSWORD, "next": "/console/"})
    return client


def code_of(key: str) -> str:
    """As an app that is not ours and not allauth's reckons it."""
    return TOTP(base64.b32decode(key), 6, SHA1(), 30).generate(int(clock.now().timestamp())).decode()


@pytest.fixture
def new() -> Client:
    """Somebody who is new on the staff and has just logged in."""
    from tsuzuku.people.staff import add_staff

    user = add_staff(email="new@example.com", role="support", actor="operator", now=clock.now())
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return log_in(user.mail_address)


def test_who_is_new_sets_up_a_second_factor_before_seeing_anything(
    house: "House", new: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    where = new.get("/console/orders/")["Location"]
    assert where == "/console/second-factor/set-up?next=%2Fconsole%2Forders%2F"
    page = new.get(where).content.decode()
    assert re.search(r'<svg [^>]*class="qr"', page)
    found = re.search(r'<p class="number">([A-Z2-7]{32})</p>', page)
    assert found is not None
    assert new.post("/console/second-factor/set-up", {"code": "000000"}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        answer = new.post("/console/second-factor/set-up", {"code": code_of(found[1])})
    assert answer["Location"] == "/console/second-factor/codes"

    codes = re.findall(r"<li>(\d{8})</li>", new.get(answer["Location"]).content.decode())
    assert len(set(codes)) == 10
    assert re.findall(r"<li>", new.get(answer["Location"]).content.decode()) == []
    assert new.get("/console/orders/").status_code == 200
    house.settle_down()
    assert house.subjects()[-1] == "Your second factor at Tsuzuku was changed"

    # A recovery code opens the console once.
    for code, status in ((codes[0], 302), (codes[0], 200), (codes[1], 302)):
        client = log_in("new@example.com")
        assert client.post("/console/code", {"code": code}).status_code == status


def test_a_new_member_gets_a_password_by_mail_and_sets_up_a_second_factor() -> None:
    """As the command line told them to."""
    from tsuzuku.people.staff import add_staff

    add_staff(email="new@example.com", role="support", actor="operator", now=clock.now())
    client = Client()
    client.post("/forgot", {"email": "new@example.com"})
    client.post("/forgot/code", {"code": code_of_mail()})
    new = "an even better horse"
    assert client.post("/forgot/new", {"password1": new, "password2": new})["Location"] == "/"
    assert client.get("/console/", follow=True).redirect_chain == [
        ("/console/second-factor/set-up?next=%2Fconsole%2F", 302)
    ]


def test_a_password_by_mail_does_not_do_without_the_second_factor() -> None:
    make_staff("manager")
    client = Client()
    client.post("/forgot", {"email": "manager@example.com"})
    client.post("/forgot/code", {"code": code_of_mail()})
    new = "an even better horse"
    assert client.post("/forgot/new", {"password1": new, "password2": new})["Location"] == "/console/code"
    assert client.get("/console/")["Location"] == "/login?next=%2Fconsole%2F"


def test_the_key_is_kept_sealed(new: Client) -> None:
    from allauth.mfa.models import Authenticator

    make_staff("manager")
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert FACTOR_KEY not in kept
    assert FACTOR_KEY.encode() not in base64.b64decode(kept)


def test_a_password_alone_opens_nothing() -> None:
    make_staff("manager")
    client = log_in("manager@example.com")
    assert client.get("/console/")["Location"] == "/login?next=%2Fconsole%2F"
    assert client.get("/cards")["Location"] == "/login?next=/cards"


def test_a_code_is_good_once() -> None:
    user = make_staff("manager")
    code = factor_code()
    client = log_in(user.mail_address)
    assert client.post("/console/code", {"code": code}).status_code == 302
    # Half a minute later, when allauth has forgotten it and the tolerance still takes it.
    cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={code}")
    again = log_in(user.mail_address).post("/console/code", {"code": f"{code[:3]} {code[3:]}"})
    assert "This code is wrong, or it was used already." in again.content.decode()
    assert client.post("/console/code/again", {"code": code}).status_code == 200


def test_guessing_codes_is_stopped() -> None:
    user = make_staff("manager")
    client = log_in(user.mail_address)
    for _ in range(5):
        client.post("/console/code", {"code": "000000"})
    page = client.post("/console/code", {"code": factor_code()}).content.decode()
    assert "Too many wrong tries. Please wait five minutes, then try again." in page


def test_a_new_working_day_asks_for_a_code() -> None:
    client = let_in(make_staff("manager"))
    with clock.travel_to(clock.now() + timedelta(hours=12)):
        assert client.get("/console/orders/")["Location"] == "/console/code/again?next=%2Fconsole%2Forders%2F"


def test_money_asks_for_a_code_of_lately(rows: Rows) -> None:
    client = let_in(make_staff("manager"))
    path = f"/console/orders/{rows.order.pk}/propose-refund"
    assert client.get(path).status_code == 200
    with clock.travel_to(clock.now() + timedelta(minutes=15)):
        where = client.get(path)["Location"]
        assert where == f"/console/code/again?next={path.replace('/', '%2F')}"
        assert client.post(path, {"reason": "x", "confirmed": "yes"})["Location"] == where
        # What moves no money goes on.
        assert client.get(f"/console/orders/{rows.order.pk}/resend-receipt").status_code == 200


def test_another_second_factor_ends_what_the_first_one_opened() -> None:
    from allauth.mfa.models import Authenticator

    from tsuzuku.people.second_factor import set_up_second_factor

    user = make_staff("manager")
    client = let_in(user)
    Authenticator.objects.filter(user=user).delete()
    set_up_second_factor(user, FACTOR_KEY)
    assert client.get("/console/")["Location"].startswith("/console/code/again")


def test_a_reset_forgets_factor_and_password() -> None:
    from tsuzuku.people.second_factor import staff_with_second_factor
    from tsuzuku.people.staff import reset_second_factor

    user = make_staff("manager")
    client = let_in(user)
    reset_second_factor(email=user.mail_address, actor="operator", now=clock.now())
    assert client.get("/console/")["Location"].startswith("/login")
    user.refresh_from_db()
    assert (user.has_usable_password(), staff_with_second_factor()) == (False, frozenset())


def test_customers_cannot_set_one_up(customer: Client) -> None:
    assert customer.get("/console/second-factor/set-up").status_code == 403


def test_who_has_not_shown_the_factor_gets_no_codes_of_it(new: Client) -> None:
    """As a session that was there before the factor, of which somebody else knows the password."""
    from allauth.mfa.models import Authenticator

    from tsuzuku.people.models import User
    from tsuzuku.people.second_factor import set_up_second_factor

    user = User.objects.get(email="new@example.com")
    set_up_second_factor(user, FACTOR_KEY)
    for page in ("/console/second-factor/codes/new", "/console/second-factor/codes"):
        asked = f"/console/code/again?next={page.replace('/', '%2F')}"
        assert new.get(page)["Location"] == asked
        assert new.post(page, {})["Location"] == asked
    assert not Authenticator.objects.filter(user=user, type="recovery_codes").exists()

    client = let_in(make_staff("manager"))
    assert client.post("/console/second-factor/codes/new")["Location"] == "/console/second-factor/codes"
    assert len(re.findall(r"<li>(\d{8})</li>", client.get("/console/second-factor/codes").content.decode())) == 10


def test_customers_see_no_recovery_codes(customer: Client) -> None:
    assert customer.get("/console/second-factor/codes/new").status_code == 403
    assert Client().get("/console/second-factor/codes/new")["Location"].startswith("/login?")
