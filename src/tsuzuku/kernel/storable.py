# SPDX-License-Identifier: Apache-2.0
"""Text of strangers that is to stand in a database."""


def storable(value: object) -> str:
    """The value as text that a database keeps: no zero bytes, no halves of surrogate pairs. Raises ValueError."""
    text = str(value)
    if "\0" in text or text.encode("utf-8", "ignore").decode() != text:
        raise ValueError("an id with characters that no id has")
    return text
