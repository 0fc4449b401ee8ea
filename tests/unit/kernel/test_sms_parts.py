# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.kernel.sms_parts import SmsAlphabet, sms_parts


@pytest.mark.parametrize(
    ("text", "alphabet", "lengths"),
    [
        ("a" * 160, SmsAlphabet.GSM, [160]),
        ("a" * 161, SmsAlphabet.GSM, [153, 8]),
        ("a" * 306, SmsAlphabet.GSM, [153, 153]),
        ("€" * 80, SmsAlphabet.GSM, [80]),
        ("€" * 81, SmsAlphabet.GSM, [76, 5]),
        # The pair that writes the euro sign is not torn: it goes whole into the second part.
        ("a" * 152 + "€" + "a" * 10, SmsAlphabet.GSM, [152, 11]),
        ("続" * 70, SmsAlphabet.UCS2, [70]),
        ("続" * 71, SmsAlphabet.UCS2, [67, 4]),
        ("a" * 70 + "續", SmsAlphabet.UCS2, [67, 4]),
        ("📶" * 35, SmsAlphabet.UCS2, [35]),
        ("📶" * 36, SmsAlphabet.UCS2, [33, 3]),
    ],
)
def test_a_text_is_cut_where_the_standard_says(text: str, alphabet: SmsAlphabet, lengths: list[int]) -> None:
    parts = sms_parts(text)
    assert ({part.alphabet for part in parts}, [len(part.text) for part in parts]) == ({alphabet}, lengths)
    assert "".join(part.text for part in parts) == text


def test_an_empty_text_has_no_parts() -> None:
    assert sms_parts("") == ()


def test_octets_are_those_of_the_alphabets() -> None:
    assert sms_parts("@£_{€}")[0].octets == bytes([0x00, 0x01, 0x11, 0x1B, 0x28, 0x1B, 0x65, 0x1B, 0x29])
    assert sms_parts("à ¿ñ Ü\n\r")[0].octets == bytes([0x7F, 0x20, 0x60, 0x7D, 0x20, 0x5E, 0x0A, 0x0D])
    assert sms_parts("続📶")[0].octets == bytes.fromhex("7d9ad83ddcf6")
    # A character that a phone cannot type into an SMS of the GSM alphabet: the escape itself.
    assert sms_parts("\x1b")[0].alphabet is SmsAlphabet.UCS2
