# SPDX-License-Identifier: Apache-2.0
import stat
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from tsuzuku.kernel.access_points import AccessPoint
from tsuzuku.project import environment
from tsuzuku.project.environment import SettingMalformed


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False)])
def test_reads_on_and_off(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("TSUZUKU_TRY", text)
    assert environment.env_bool("TSUZUKU_TRY") is value


def test_refuses_what_is_neither_on_nor_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSUZUKU_TRY", "perhaps")
    with pytest.raises(SettingMalformed, match="TSUZUKU_TRY must be on or off, not 'perhaps'"):
        environment.env_bool("TSUZUKU_TRY")


def test_reads_numbers_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSUZUKU_TRY", "12")
    assert environment.env_int("TSUZUKU_TRY", 3) == 12
    assert environment.env_int("TSUZUKU_OTHER", 3) == 3
    monkeypatch.setenv("TSUZUKU_TRY", " a, b ,,c")
    assert environment.env_list("TSUZUKU_TRY") == ["a", "b", "c"]
    with pytest.raises(SettingMalformed, match="whole number"):
        environment.env_int("TSUZUKU_TRY", 3)


def test_reads_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.env_networks("TSUZUKU_TRY") == []
    monkeypatch.setenv("TSUZUKU_TRY", "10.0.0.0/8, fd00::/8,127.0.0.1")
    networks = [ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("127.0.0.1/32")]
    assert environment.env_networks("TSUZUKU_TRY") == networks
    monkeypatch.setenv("TSUZUKU_TRY", "10.0.0.1/8")
    with pytest.raises(SettingMalformed, match="TSUZUKU_TRY must be IP networks"):
        environment.env_networks("TSUZUKU_TRY")


def test_reads_addresses_whose_origin_can_stand_in_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.env_page("TSUZUKU_TRY") == ""
    for good in ("https://ipv4.example.jp/check/ping", "http://127.0.0.1:8000/"):
        monkeypatch.setenv("TSUZUKU_TRY", good)
        assert environment.env_page("TSUZUKU_TRY") == good
    for bad in (
        "ipv4.example.jp",
        "https://ipv4.example.jp",
        "https://a.jp;script-src */",
        "https://me@a.jp/",
        "ws://a/",
    ):
        monkeypatch.setenv("TSUZUKU_TRY", bad)
        with pytest.raises(SettingMalformed, match="TSUZUKU_TRY must be an address"):
            environment.env_page("TSUZUKU_TRY")


def test_reads_access_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSUZUKU_TRY", "mynet=net.example me secret")
    assert environment.env_access_points("TSUZUKU_TRY") == {"mynet": AccessPoint("net.example", "me", "secret")}
    monkeypatch.setenv("TSUZUKU_TRY", "net.example me")
    with pytest.raises(SettingMalformed, match="TSUZUKU_TRY must be such as internet"):
        environment.env_access_points("TSUZUKU_TRY")


def test_reads_a_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden\n")
    monkeypatch.setenv("TSUZUKU_TRY_FILE", str(tmp_path / "secret"))
    assert environment.env_text("TSUZUKU_TRY") == "hidden"


def test_processes_that_start_at_once_share_one_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TSUZUKU_HOME", str(tmp_path))
    code = "from tsuzuku.project.environment import installation_secret; print(installation_secret('try_key'))"
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = {process.communicate()[0].strip() for process in processes}
    assert told == {environment.installation_secret("try_key")}
    assert stat.S_IMODE((tmp_path / "secrets/try_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["try_key"]


def test_a_secret_given_by_the_environment_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TSUZUKU_HOME", str(tmp_path))
    monkeypatch.setenv("TSUZUKU_TRY_KEY", "given")
    assert environment.installation_secret("try_key") == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_tax_number_is_a_t_and_thirteen_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.env_tax_number("TSUZUKU_TRY") == ""
    monkeypatch.setenv("TSUZUKU_TRY", "T1234567890123")
    assert environment.env_tax_number("TSUZUKU_TRY") == "T1234567890123"
    monkeypatch.setenv("TSUZUKU_TRY", "1234567890123")
    with pytest.raises(SettingMalformed, match="must be T and 13 digits"):
        environment.env_tax_number("TSUZUKU_TRY")
