# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.people.devices import device_name

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}", "Chrome, Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/156.0", "Edge, Windows"),
        (f"Mozilla/5.0 (Linux; Android 15; SM-S928N) SamsungBrowser/28 {CHROME}", "Samsung Internet, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605 Mobile/15E Safari Line/15.1", "LINE, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Mac"),
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 Chrome/114 Mobile", "Chrome, HarmonyOS"),
        ("curl/8.5", ""),
        ("", ""),
        ("(" * 100_000, ""),
    ],
)
def test_a_browser_is_known_by_two_words(said: str, name: str) -> None:
    assert device_name(said) == name
