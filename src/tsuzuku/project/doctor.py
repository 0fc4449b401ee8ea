# SPDX-License-Identifier: Apache-2.0
"""What Tsuzuku needs of a machine, and whether it is there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tsuzuku.project.environment import env_list, env_text, home
from tsuzuku.project.postgres import bundled_binaries

PYTHON_MIN = (3, 11)
POSTGRES_MIN = 15
FREE_BYTES_MIN = 2_000_000_000
#: Chromium by the names that packages give it.
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Where `playwright install chromium` puts one, on Linux and on macOS.
_PLAYWRIGHT_FOLDERS = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
_PLAYWRIGHT_CHROMIUMS = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do if it is not fine; without what is not needed all runs."""

    subject: str
    text: str
    advice: str = ""
    is_fine: bool = True
    is_needed: bool = True


def examine() -> list[Finding]:
    """Everything, in the order in which to mend it."""
    checks: list[Callable[[], Finding]] = [_python, _home, _disk, _postgres, _receipt_fonts, _chromium, _driver, _fonts]
    return [check() for check in checks]


def find_chromium() -> Path | None:
    """A Chromium for the tests: TSUZUKU_CHROMIUM, the machine's own, or Playwright's."""
    if given := os.environ.get("TSUZUKU_CHROMIUM"):
        return Path(given) if Path(given).exists() else None
    for name in _CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    for folder in _PLAYWRIGHT_FOLDERS:
        for pattern in _PLAYWRIGHT_CHROMIUMS:
            if downloaded := sorted(Path(folder).expanduser().glob(pattern)):
                return downloaded[-1]
    return None


def can_drive_browsers() -> bool:
    """Whether Playwright, with which the tests steer browsers, starts: on a bare Debian its Node lacks a library."""
    if find_spec("playwright") is None:
        return False
    words = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    wanted = ".".join(str(part) for part in PYTHON_MIN)
    return Finding("Python", version, f"Install Python {wanted} or newer.", sys.version_info >= PYTHON_MIN)


def _home() -> Finding:
    advice = f"Make {home()} a folder you can write in, or set TSUZUKU_HOME to another."
    if os.access(_existing_home(), os.W_OK | os.X_OK):
        return Finding("Home", str(home()))
    return Finding("Home", f"{home()} cannot be written", advice, is_fine=False)


def _disk() -> Finding:
    free = shutil.disk_usage(_existing_home()).free
    return Finding(
        "Disk",
        f"{free / 1e9:.1f} GB free for {home()}",
        f"Free {FREE_BYTES_MIN / 1e9:.0f} GB, or set TSUZUKU_HOME to a folder on another disk.",
        free >= FREE_BYTES_MIN,
    )


def _existing_home() -> Path:
    """The home, or the folder in which the first start will make it."""
    return next(path for path in (home(), *home().parents) if path.exists())


def _postgres() -> Finding:
    if url := env_text("TSUZUKU_DATABASE_URL"):
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                major = connection.info.server_version // 10_000
        except psycopg.Error as error:
            advice = "Start the server, or mend TSUZUKU_DATABASE_URL (postgresql://USER:PASSWORD@HOST/DATABASE)."
            return Finding(
                "PostgreSQL", f"the server of your own does not answer: {_line(error)}", advice, is_fine=False
            )
        advice = f"Tsuzuku needs PostgreSQL {POSTGRES_MIN} or newer."
        return Finding("PostgreSQL", f"a server of your own, version {major}", advice, major >= POSTGRES_MIN)
    if not (bundled := bundled_binaries()):
        advice = "Name a server of your own (15 or newer) in TSUZUKU_DATABASE_URL: there is no wheel for this machine."
        return Finding("PostgreSQL", "no embedded PostgreSQL is installed", advice, is_fine=False)
    return Finding("PostgreSQL", f"embedded, version {max(bundled)}")


def _receipt_fonts() -> Finding:
    """Without them receipts are a page and a mail, and no PDF."""
    from tsuzuku.receipts.fonts import missing_families

    missing = missing_families(tuple(env_list("TSUZUKU_FONT_FOLDERS")))
    advice = "For receipts as PDF: apt-get install fonts-noto-cjk, or name a folder with them in TSUZUKU_FONT_FOLDERS."
    text = f"missing: {', '.join(missing)}" if missing else "Noto Sans CJK"
    return Finding("Fonts for receipts", text, advice, not missing, is_needed=False)


def _chromium() -> Finding:
    found = find_chromium()
    advice = "For the tests in a browser: apt-get install chromium, or playwright install chromium."
    return Finding("Chromium", str(found) if found else "none", advice, found is not None, is_needed=False)


def _driver() -> Finding:
    advice = "For the tests in a browser: apt-get install libatomic1"
    is_fine = can_drive_browsers()
    return Finding("Playwright", "starts" if is_fine else "does not start", advice, is_fine, is_needed=False)


def _fonts() -> Finding:
    """Without a font for Chinese a Chromium on this machine shows boxes, and pictures of pages are worth nothing."""
    advice = "For the tests in a browser: apt-get install fonts-noto-cjk"
    if not (list_fonts := shutil.which("fc-list")):
        return Finding("Fonts for Chinese", "unknown, since fc-list is missing", advice, is_fine=False, is_needed=False)
    found = subprocess.run([list_fonts, ":lang=zh-cn", "family"], capture_output=True, text=True, check=False).stdout
    first = found.splitlines()[0] if found else "none"
    return Finding("Fonts for Chinese", first, advice, bool(found), is_needed=False)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
