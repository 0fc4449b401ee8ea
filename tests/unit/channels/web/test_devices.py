# SPDX-License-Identifier: Apache-2.0
import json
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tests.unit.channels.conftest import PASSWORD, logged_in
from tests.unit.channels.web.conftest import text_of
from tsuzuku.kernel import clock
from tsuzuku.messaging.adapters.web_push import public_text, vapid_key
from tsuzuku.people.browsers import browsers_of
from tsuzuku.people.jobs import forget_sessions
from tsuzuku.people.models import Browser, User
from tsuzuku.reminders.models import PushDevice

pytestmark = pytest.mark.django_db
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1"
WECHAT = "Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36 MicroMessenger/8.0"


def entered(user: User, agent: str) -> Client:
    client = Client(headers={"user-agent": agent})
    client.post("/login", {"login": user.email, "password": PASSWORD})
    return client


def devices(user: User) -> list[str]:
    return sorted(browser.device for browser in browsers_of(user, now=clock.now()))


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_each_browser_is_listed_and_can_be_ended(stranger: User) -> None:
    phone, wechat = entered(stranger, IPHONE), entered(stranger, WECHAT)
    page = phone.get("/account/devices")
    assert re.findall(r"<h2>(.*?)</h2>", page.content.decode()) == ["WeChat, Android", "Safari, iPhone"]
    assert text_of(page).count("This device") == 1
    other = Browser.objects.get(device="WeChat, Android")
    assert phone.post(f"/account/devices/{other.pk}/end")["Location"] == "/account/devices"
    assert (is_in(phone), is_in(wechat), devices(stranger)) == (True, False, ["Safari, iPhone"])


def test_everywhere_else_is_ended_at_once(stranger: User, holder: User) -> None:
    clients = [entered(stranger, IPHONE) for _ in range(3)]
    another = logged_in(holder)
    clients[0].post("/account/devices/end")
    assert [is_in(client) for client in [*clients, another]] == [True, False, False, True]


def test_nobody_ends_what_is_not_theirs(stranger: User, holder: User) -> None:
    phone = entered(stranger, IPHONE)
    theirs = Browser.objects.get(user=stranger)
    assert logged_in(holder).post(f"/account/devices/{theirs.pk}/end").status_code == 404
    assert is_in(phone)


def test_ending_this_one_logs_out(stranger: User) -> None:
    phone = entered(stranger, IPHONE)
    here = Browser.objects.get()
    assert phone.post(f"/account/devices/{here.pk}/end")["Location"] == "/"
    assert (is_in(phone), Browser.objects.count()) == (False, 0)


def test_a_new_password_ends_every_other_login_and_keeps_this_one(stranger: User) -> None:
    phone, wechat = entered(stranger, IPHONE), entered(stranger, WECHAT)
    new = {"password1": "an even better horse", "password2": "an even better horse"}
    phone.post("/password", {"oldpassword": PASSWORD, **new})
    assert (is_in(phone), is_in(wechat), devices(stranger)) == (True, False, ["Safari, iPhone"])


def test_a_browser_is_written_down_once_an_hour_and_without_its_address(
    stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = entered(stranger, IPHONE)
    first = Browser.objects.get()
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    is_in(phone)
    again = Browser.objects.get()
    assert (again.pk, again.since) == (first.pk, first.since)
    assert again.seen_at == later.replace(minute=0, second=0, microsecond=0)
    assert {field.name for field in Browser._meta.fields} == {
        "id",
        "user",
        "session_key",
        "device",
        "since",
        "seen_at",
        "outlasts_session",
    }


def test_who_changes_hands_in_one_browser_is_listed_as_who_is_in(stranger: User, holder: User) -> None:
    client = entered(stranger, IPHONE)
    client.post("/logout")
    client.post("/login", {"login": holder.email, "password": PASSWORD})
    assert (devices(stranger), devices(holder)) == ([], ["Safari, iPhone"])


def test_rows_go_with_their_sessions(stranger: User) -> None:
    entered(stranger, IPHONE)
    Session.objects.all().delete()
    forget_sessions.func(timestamp=0)
    assert Browser.objects.count() == 0


class TestPushes:
    """Who is logged out in a browser is pushed to in it no more."""

    @staticmethod
    def push_to(client: Client, name: str) -> None:
        keys = {"p256dh": public_text(vapid_key("a secret")), "auth": "A" * 22}
        subscription = json.dumps({"endpoint": f"https://push.example/{name}", "keys": keys})
        assert client.post("/push/add", {"subscription": subscription, "name": name}).status_code == 204

    @pytest.fixture
    def phone(self, stranger: User) -> Client:
        phone = entered(stranger, IPHONE)
        self.push_to(phone, "phone")
        return phone

    @pytest.fixture
    def wechat(self, stranger: User, phone: Client) -> Client:
        wechat = entered(stranger, WECHAT)
        self.push_to(wechat, "wechat")
        return wechat

    @staticmethod
    def pushed_to() -> list[str]:
        return list(PushDevice.objects.order_by("pk").values_list("name", flat=True))

    def test_logging_out_ends_this_one_s(self, phone: Client, wechat: Client) -> None:
        phone.post("/logout")
        assert (self.pushed_to(), devices(User.objects.get())) == (["wechat"], ["WeChat, Android"])

    def test_ending_another_ends_its(self, phone: Client, wechat: Client) -> None:
        other = Browser.objects.get(device="WeChat, Android")
        phone.post(f"/account/devices/{other.pk}/end")
        assert self.pushed_to() == ["phone"]

    def test_a_new_password_ends_all_others_also_of_logins_that_ran_out(self, phone: Client, wechat: Client) -> None:
        Session.objects.filter(session_key=wechat.session.session_key).delete()
        forget_sessions.func(timestamp=0)
        # A reminder reaches who has not come for a while.
        assert self.pushed_to() == ["phone", "wechat"]
        new = {"password1": "an even better horse", "password2": "an even better horse"}
        phone.post("/password", {"oldpassword": PASSWORD, **new})
        assert (is_in(phone), self.pushed_to()) == (True, ["phone"])

    def test_one_of_a_login_that_ran_out_is_offered_again_and_ends_with_the_new_login(
        self, stranger: User, phone: Client
    ) -> None:
        digest = PushDevice.objects.get().endpoint_hash
        again = entered(stranger, IPHONE)
        assert [client.get("/reminders").context["known"] for client in (phone, again)] == [[digest], []]
        self.push_to(again, "phone")
        again.post("/logout")
        assert self.pushed_to() == []
