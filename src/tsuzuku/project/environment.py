# SPDX-License-Identifier: Apache-2.0
"""Reading the environment: typed, with `NAME_FILE` for secrets kept in files, loud on odd values."""

import os
import re
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from tsuzuku.kernel.access_points import AccessPoint, parse_access_points

#: The countries whose addresses the forms know (`new_cards.addresses`).
POST_COUNTRIES = ("JP", "CN", "TW", "HK", "KR")


class SettingMalformed(Exception):
    """A variable of the environment holds something that its setting cannot be."""


def env_text(name: str, default: str = "") -> str:
    """The variable's text; `NAME_FILE` names a file that holds it instead."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def env_bool(name: str, default: bool = False) -> bool:
    """1, true, yes, on or 0, false, no, off."""
    text = env_text(name, "on" if default else "off").lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise SettingMalformed(f"{name} must be on or off, not {text!r}")


def env_int(name: str, default: int, *, at_least: int | None = None) -> int:
    """A whole number."""
    text = env_text(name, str(default))
    try:
        number = int(text)
    except ValueError:
        raise SettingMalformed(f"{name} must be a whole number, not {text!r}") from None
    if at_least is not None and number < at_least:
        raise SettingMalformed(f"{name} must be {at_least} at least, not {number}")
    return number


def env_list(name: str, default: str = "") -> list[str]:
    """Words separated by commas."""
    return [word.strip() for word in env_text(name, default).split(",") if word.strip()]


def env_countries(name: str, default: str) -> list[str]:
    """Countries such as JP, separated by commas; at least one."""
    countries = env_list(name, default)
    unknown = [country for country in countries if not re.fullmatch("[A-Z]{2}", country)]
    if unknown or not countries:
        raise SettingMalformed(f"{name} must be countries such as CN,JP, not {env_text(name)!r}")
    return countries


def env_postage(name: str, default: str) -> dict[str, int]:
    """What post costs by country, in yen, such as JP:370,TW:1200; empty for none."""
    prices = dict(word.partition(":")[::2] for word in env_list(name, default))
    wrong = [country for country, yen in prices.items() if country not in POST_COUNTRIES or not yen.isdecimal()]
    if wrong:
        raise SettingMalformed(
            f"{name} must be prices in yen for countries of {', '.join(POST_COUNTRIES)}, not {env_text(name)!r}"
        )
    return {country: int(yen) for country, yen in prices.items()}


def env_networks(name: str) -> list[IPv4Network | IPv6Network]:
    """IP networks such as 10.0.0.0/8 or fd00::/8, separated by commas."""
    try:
        return [ip_network(word) for word in env_list(name)]
    except ValueError as problem:
        raise SettingMalformed(f"{name} must be IP networks such as 10.0.0.0/8: {problem}") from None


def env_page(name: str) -> str:
    """The address of a page or of a thing on one, https or http, whose origin can stand in a policy; or nothing."""
    text = env_text(name)
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s?#]*", text):
        raise SettingMalformed(f"{name} must be an address such as https://ipv4.example.jp/check/ping, not {text!r}")
    return text


def env_access_points(name: str, default: str = "") -> dict[str, AccessPoint]:
    """Access points by carrier, as `parse_access_points` reads them."""
    try:
        return parse_access_points(env_text(name, default))
    except ValueError as problem:
        raise SettingMalformed(f"{name} must be such as internet.example, mynet=net.example: {problem}") from None


def env_tax_number(name: str, default: str = "") -> str:
    """The registration number of a Japanese qualified invoice issuer: T and 13 digits; or nothing."""
    text = env_text(name, default)
    if text and not re.fullmatch("T[0-9]{13}", text):
        raise SettingMalformed(f"{name} must be T and 13 digits, such as T1234567890123, not {text!r}")
    return text


def home() -> Path:
    """TSUZUKU_HOME: the folder of the embedded database, secrets and sandboxes.

    Default: /var/lib/tsuzuku for root, else the user's own data folder.
    """
    if path := os.environ.get("TSUZUKU_HOME"):
        return Path(path).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/tsuzuku")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "tsuzuku"


def installation_secret(name: str) -> str:
    """A secret of this installation: from the environment, else made once and kept in the home for its owner only."""
    if given := env_text(f"TSUZUKU_{name.upper()}"):
        return given
    path = home() / "secrets" / name
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(secrets.token_urlsafe(48), encoding="ascii")
    try:
        # A link refuses to replace: of two processes that start together, one secret wins for both.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text(encoding="ascii")
