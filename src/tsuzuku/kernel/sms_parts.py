# SPDX-License-Identifier: Apache-2.0
"""How an SMS is cut into parts: 160 characters of the GSM alphabet or 70 of UCS-2, fewer if there are several.

3GPP TS 23.038 (alphabets) and TS 23.040, 9.2.3.24.1 (parts, with six octets of each for their header). Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

#: TS 23.038, 6.2.1: a character's code is its place. Code 27 leads to the extension.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: TS 23.038, 6.2.1.1: each takes two places.
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_ESCAPE = 0x1B
_CODES = {character: (code,) for code, character in enumerate(_BASIC) if code != _ESCAPE} | {
    character: (_ESCAPE, code) for character, code in _EXTENSION.items()
}


class SmsAlphabet(StrEnum):
    """What an SMS is written in; one character outside GSM makes all of it UCS-2."""

    GSM = "gsm"
    UCS2 = "ucs2"


#: Places in one part when it is the only one, and in each of several.
_PLACES = {SmsAlphabet.GSM: (160, 153), SmsAlphabet.UCS2: (70, 67)}


@dataclass(frozen=True, slots=True)
class SmsPart:
    """One part: its text, and its octets without a header. GSM is unpacked, one octet a septet, as SMPP wants it."""

    alphabet: SmsAlphabet
    text: str
    octets: bytes


def sms_parts(text: str) -> tuple[SmsPart, ...]:
    """The parts of a text, none for an empty one. No character is torn between two parts."""
    alphabet = SmsAlphabet.GSM if all(character in _CODES for character in text) else SmsAlphabet.UCS2
    pieces = [_octets(character, alphabet) for character in text]
    width = 1 if alphabet is SmsAlphabet.GSM else 2
    alone, of_several = _PLACES[alphabet]
    places = alone if sum(map(len, pieces)) <= alone * width else of_several
    parts: list[SmsPart] = []
    start, octets = 0, b""
    for place, piece in enumerate(pieces):
        if len(octets) + len(piece) > places * width:
            parts.append(SmsPart(alphabet, text[start:place], octets))
            start, octets = place, b""
        octets += piece
    return (*parts, SmsPart(alphabet, text[start:], octets)) if octets else ()


def _octets(character: str, alphabet: SmsAlphabet) -> bytes:
    """A character outside the basic plane is a pair in UCS-2, as phones show emoji."""
    if alphabet is SmsAlphabet.GSM:
        return bytes(_CODES[character])
    return character.encode("utf-16-be", "replace")
