# SPDX-License-Identifier: Apache-2.0
"""Every page in every language: WCAG 2.2 AA as far as axe-core can tell, no word left in English, nothing sticking out,
even where words are 40 per cent longer. With TSUZUKU_SHOTS a picture of each page goes into the folder that it names.
"""

import re
import sys
from pathlib import Path

import pytest
from django.http import HttpRequest
from django.utils import translation
from playwright.sync_api import Browser, Error, Page, Route, ViewportSize

from tests.journeys.checks import broken_when_longer, complaints, left_in_english
from tests.journeys.conftest import DESKTOP, PHONE, Demo
from tests.journeys.pages import EMAIL, NOTHING_TO_SEE, OF_CUSTOMER, OF_NOBODY, PASSWORD, Names, Sight
from tsuzuku.project import errors
from tsuzuku.project.environment import env_text

#: Each with what browsers of its readers say.
LOCALES = {"zh-hans": "zh-CN", "zh-hant": "zh-TW", "ja": "ja-JP", "en": "en-US", "ko": "ko-KR"}
#: What goes wrong cannot be had at will from a server that is well, so its pages are put in its answers' place.
PROBLEMS = tuple(
    Sight(f"/problem/{name}")
    for name in (
        "bad_request",
        "permission_denied",
        "csrf_failure",
        "server_error",
        "request_too_large",
        "too_many_requests",
    )
)
WITH_EXCEPTION = {"bad_request", "permission_denied"}
NARROW: ViewportSize = {"width": 320, "height": 568}
WIDTHS = (PHONE, NARROW, DESKTOP)


def test_every_page_has_a_line() -> None:
    from django.urls import resolve

    from tsuzuku.channels.web.urls import urlpatterns

    addresses = [re.sub(r"\{\w+\}", "1", sight.shown) for sight in (*OF_NOBODY, *OF_CUSTOMER)]
    walked = {resolve(each.partition("?")[0]).url_name for each in addresses if not each.startswith("/nothing")}
    excepted = set().union(*NOTHING_TO_SEE.values())
    named = {str(pattern.name) for pattern in urlpatterns}
    assert named - walked - excepted == set(), "give these addresses lines in tests/journeys/pages.py"
    assert excepted - named == set(), "these addresses are gone: take them out of tests/journeys/pages.py"


@pytest.mark.parametrize("language", LOCALES)
def test_every_page_is_right_in_every_language(
    demo: Demo, states: dict[str, str], browser: Browser, language: str
) -> None:
    names = states | {"language": language, "digit": str(list(LOCALES).index(language))}
    # Browsers make passkeys for names only, and the demo's address is a number.
    base_url = demo.url.replace("127.0.0.1", "localhost")
    found = []
    for come_in, sights in ((_go_wrong, (*PROBLEMS, *OF_NOBODY)), (_log_in, OF_CUSTOMER)):
        # The service worker would keep a copy of whatever is looked at.
        context = browser.new_context(
            base_url=base_url,
            locale=LOCALES[language],
            viewport=PHONE,
            reduced_motion="reduce",
            service_workers="block",
        )
        for url in (base_url, demo.url):
            context.add_cookies([{"name": "tsuzuku_language", "value": language, "url": url}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        come_in(page, language)
        for sight in sights:
            found += _look(page, sight, names)
        context.close()
    sys.stdout.write(f"\npages in {language}: {len(PROBLEMS) + len(OF_NOBODY) + len(OF_CUSTOMER)}\n")
    assert found == []


def _look(page: Page, sight: Sight, names: Names) -> list[str]:
    """What is wrong with a page, or that it did not come."""
    page.set_viewport_size(PHONE)
    try:
        answer = page.goto(sight.path.format_map(names))
        if sight.act:
            sight.act(page, names)
        # Whoever may not see a page is led to another one, which would be looked at in its place.
        page.wait_for_url(re.compile(re.escape(sight.shown.partition("?")[0].format_map(names)) + "([?#]|$)"))
        page.wait_for_load_state()
        found = left_in_english(page, names["language"]) + complaints(page)
        if answer is None or answer.status != sight.status:
            found.append(f"{sight}: answered {answer and answer.status}")
        _keep_picture(page, sight, names["language"])
        return found + broken_when_longer(page, WIDTHS)
    except Error as error:
        return [f"{sight}: {error}"]


def _log_in(page: Page, language: str) -> None:
    page.goto("/login")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form .button")
    page.wait_for_url("**/cards")


def _go_wrong(page: Page, language: str) -> None:
    """Has the addresses of problems show their pages."""

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        with translation.override(language):
            problem = getattr(errors, name)(HttpRequest(), *[ValueError()] * (name in WITH_EXCEPTION))
        route.fulfill(body=problem.content, content_type="text/html; charset=utf-8")

    page.route("**/problem/*", answer)


def _keep_picture(page: Page, sight: Sight, language: str) -> None:
    if folder := env_text("TSUZUKU_SHOTS"):
        name = re.sub(r"\W+", "-", f"{sight.shown} {'' if sight.act is None else sight.act.__qualname__}").strip("-")
        page.evaluate("scrollTo(0, 0)")
        number = (*PROBLEMS, *OF_NOBODY, *OF_CUSTOMER).index(sight)
        page.screenshot(path=Path(folder) / f"{number:03d}-{name or 'home'}-{language}.png", full_page=True)
