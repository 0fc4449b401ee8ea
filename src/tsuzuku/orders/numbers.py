# SPDX-License-Identifier: Apache-2.0
"""Order numbers for people: read aloud on a telephone, written on a hand, typed at a machine."""

import re
import secrets

#: No vowels (so no words), of look-alikes only one. Nineteen is prime, which makes the check complete.
ALPHABET = "3479CDFHJKMNPQRTWXY"
_BODY_LENGTH = 9
_SEPARATORS = re.compile(r"[\s\-]+")


def new_number() -> str:
    """A random number such as 4KX9P-7TRWC; the last character checks the others."""
    drawn, characters = secrets.randbelow(len(ALPHABET) ** _BODY_LENGTH), []
    for _ in range(_BODY_LENGTH):
        drawn, place = divmod(drawn, len(ALPHABET))
        characters.append(ALPHABET[place])
    body = "".join(characters)
    number = body + check_character(body)
    return f"{number[:5]}-{number[5:]}"


def parse_number(text: str) -> str | None:
    """The number as it is stored, from any case and spacing; None if it is none or a character is wrong."""
    folded = _SEPARATORS.sub("", text).upper()
    if len(folded) != _BODY_LENGTH + 1 or any(character not in ALPHABET for character in folded):
        return None
    if check_character(folded[:-1]) != folded[-1]:
        return None
    return f"{folded[:5]}-{folded[5:]}"


def check_character(body: str) -> str:
    """A weighted sum modulo 19: finds every single wrong character and every swap of two."""
    total = sum(weight * ALPHABET.index(character) for weight, character in enumerate(body, start=2))
    return ALPHABET[-total % len(ALPHABET)]
