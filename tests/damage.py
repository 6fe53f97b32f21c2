"""Random damage, as a seed decides: to JSON (other values, missing keys), and to the bytes of a text."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

JUNK = (
    *(None, True, False, 0, -1, 1, 255, 10**300, 0.5, -1e300, "", "on", "\x1b[31m", "\ud800", "x" * 5000),
    *([], {}, [[]], [None], {"": {}}, {"error": None}, [{"error": {"type": "x"}}], {"state": 1}, "901"),
)
"""What stands in place of a value."""

RAW = (
    *(b"", b"null", b"[]", b"{}", b'"ok"', b"7", b"[NaN]", b"-Infinity", b"\xff\xfe", b"\x00" * 9, b"<html>"),
    *(b"[" * 9_000, b'{"a":' * 9_000, b"9" * 9_000, b'[{"error": {"type": 901}}]', b'{"1": 1}' * 2),
)
"""What stands in place of all of it."""


SIGNS = (
    *(b"\0", b"\n", b"\r\n", b",", b'"', b"[", b"{", b"\n[[", b"[" * 50, b"9" * 20, b"9" * 50, b"\xff"),
    *(b"Infinity", b"inf", b"nan", b"-", b"e9", b"e", b"null", b"= "),
)
"""What is put in between the bytes of a text."""


def damaged_text(content: bytes, dice: random.Random) -> bytes:
    """Returns a text with some bytes changed, taken out, doubled or put in."""
    found = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 3, 10, 40))):
        at = dice.randrange(len(found) + 1)
        kind = dice.randrange(4)
        if kind == 0 and at < len(found):
            found[at] = dice.randrange(256)
        elif kind == 1:
            del found[at : at + dice.choice((1, 3, 20, 60))]
        elif kind == 2:
            found[at:at] = found[at : at + dice.choice((1, 5, 50))] * dice.choice((1, 2, 50))
        else:
            found[at:at] = dice.choice(SIGNS)
    return bytes(found)


def damaged(found: Any, dice: random.Random) -> bytes:
    """Returns JSON with one to three mistakes in it."""
    if dice.random() < 0.15:
        return dice.choice(RAW)
    found = copy.deepcopy(found)
    for _ in range(dice.randint(1, 3)):
        found = _changed(found, dice)
    text = json.dumps(found).encode()
    if dice.random() < 0.1:
        place = dice.randrange(len(text) + 1)
        text = text[:place] + dice.choice((b"", b"\xff", b"}", b"\\", text)) + text[place + 1 :]
    return text


def _changed(found: Any, dice: random.Random) -> Any:
    """Returns the same with something else at one place."""
    holders = [each for each in _within(found) if each]
    if not holders or dice.random() < 0.05:
        return dice.choice(JUNK)
    holder = dice.choice(holders)
    place = dice.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    if dice.random() < 0.25:
        del holder[place]
    elif dice.random() < 0.1 and isinstance(holder, dict):
        holder[dice.choice(["", "-1", "1e3", "٣", "9" * 30, "x"])] = holder.pop(place)
    else:
        holder[place] = copy.deepcopy(dice.choice(JUNK))
    return found


def _within(found: Any) -> list:
    """Returns all lists and dictionaries in something."""
    if not isinstance(found, (list, dict)):
        return []
    inner = found.values() if isinstance(found, dict) else found
    return [found, *(deeper for each in inner for deeper in _within(each))]
