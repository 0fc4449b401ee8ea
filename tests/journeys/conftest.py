# SPDX-License-Identifier: Apache-2.0
"""The whole product as `tsuzuku demo` starts it, and a real browser in front of it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

from tsuzuku.project.environment import env_text

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
_START_SECONDS = 240
_MAKE_STATES = "import django; django.setup(); from tests.journeys.states import print_states; print_states()"


@dataclass(frozen=True)
class Demo:
    """A running demo: where it answers, and the card numbers that it printed, by what they show."""

    url: str
    cards: dict[str, str]
    pin: str
    password: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Started once, on a database of its own beside the tests'; stopped as a person would, with Ctrl-C."""
    home = Path(tempfile.mkdtemp(prefix="tsuzuku-journey-"))
    home.chmod(0o755)
    with _database() as url, (home / "output").open("w+") as output:
        port = _free_port()
        environment = {
            **os.environ,
            "TSUZUKU_HOME": str(home),
            "TSUZUKU_DATABASE_URL": url,
            # All journeys are made by a few travellers, in two minutes.
            "TSUZUKU_OWN_NETWORKS": "127.0.0.0/8",
            "PYTHONUNBUFFERED": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tsuzuku.project.cli", "demo", "--port", str(port)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _when_ready(process, home / "output", environment)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def states(demo: Demo) -> dict[str, str]:
    """The demo in every state that has a page: what the addresses of these pages need, by the names in states.py."""
    of_demo = {
        "DJANGO_SETTINGS_MODULE": "tsuzuku.project.settings",
        "TSUZUKU_DEMO": "on",
        "TSUZUKU_PUBLIC_URL": demo.url,
    }
    made = subprocess.run(
        [sys.executable, "-c", _MAKE_STATES],
        env=demo.environment | of_demo,
        stdout=subprocess.PIPE,
        check=True,
    )
    names: dict[str, str] = json.loads(made.stdout)
    return names


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that Playwright installed for itself."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(demo: Demo, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of the demo in a fresh context; fails if the browser complained about anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str = "/", *, locale: str = "en-US", script: bool = True, size: ViewportSize = PHONE) -> Page:
        context = browser.new_context(
            base_url=demo.url,
            locale=locale,
            java_script_enabled=script,
            viewport=size,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(message: ConsoleMessage) -> bool:
    """Whether a browser found a mistake; that a link which was forged leads nowhere is none."""
    return message.type == "error" and not message.location["url"].endswith("/forged")


class _database:  # noqa: N801  # reads as a statement
    """A database of its own on the tests' server."""

    def __init__(self) -> None:
        self.server = env_text("TSUZUKU_DATABASE_URL")
        self.name = f"tsuzuku_journey_{os.getpid()}"

    def __enter__(self) -> str:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.name}"')
        return psycopg.conninfo.make_conninfo(self.server, dbname=self.name)

    def __exit__(self, *_: object) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _when_ready(process: subprocess.Popen[bytes], output: Path, environment: dict[str, str]) -> Demo:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        text = output.read_text()
        if "Ctrl-C stops everything" in text:
            url = re.findall(r"Tsuzuku is ready: (\S+)", text)[0]
            httpx.get(url, timeout=30).raise_for_status()
            return Demo(
                url=url,
                cards={shows: number for number, shows in re.findall(r"^  (\d{19})  (.+)$", text, re.MULTILINE)},
                pin=re.findall(r"PIN (\d+):", text)[0],
                password=re.findall(r"password (\S+)", text)[0],
                environment=environment,
            )
        time.sleep(0.2)
    raise AssertionError(f"the demo did not start:\n{output.read_text()}")
