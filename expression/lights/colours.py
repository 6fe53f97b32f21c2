"""Colours of light: labels' colours, names and hex codes, mixing, and xy values within a lamp's gamut.

`settings.py` uses it to parse colours, `sinks/hue.py` to turn light into commands, and `sinks/lamp.py` to
draw it.

Notebook: 09_lights
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import BadInputError, did_you_mean
from ..labels import hashed_colour

RGB = tuple[int, int, int]
XY = tuple[float, float]
Gamut = tuple[XY, XY, XY]

NAMES: dict[str, RGB] = {
    "red": (255, 0, 0),
    "orange": (255, 120, 0),
    "amber": (255, 170, 0),
    "gold": (255, 205, 30),
    "yellow": (255, 240, 0),
    "lime": (160, 255, 0),
    "green": (0, 255, 0),
    "turquoise": (0, 255, 190),
    "cyan": (0, 255, 255),
    "sky": (90, 180, 255),
    "blue": (0, 0, 255),
    "violet": (120, 0, 255),
    "purple": (180, 0, 255),
    "magenta": (255, 0, 255),
    "pink": (255, 90, 170),
    "white": (255, 255, 255),
    "warm white": (255, 197, 130),
    "cool white": (220, 235, 255),
}
"""RGB values of the named colours."""

COLOURS = {
    "Angry": "red",
    "Disgust": "green",
    "Fear": "violet",
    "Happy": "gold",
    "Sad": "blue",
    "Surprise": "orange",
    "Neutral": "warm white",
}
"""The default colour of each label."""

GAMUTS: dict[str, Gamut] = {
    "A": ((0.704, 0.296), (0.2151, 0.7106), (0.138, 0.08)),
    "B": ((0.675, 0.322), (0.409, 0.518), (0.167, 0.04)),
    "C": ((0.6915, 0.3083), (0.17, 0.7), (0.1532, 0.0475)),
}
"""The red, green and blue corners of Philips' lamps: older strips, the first bulbs, and all since 2016.

Source: https://developers.meethue.com/develop/hue-api/supported-devices/
"""

MODELS = {
    "A": r"LST001|LLC0(05|06|07|10|11|12|13|14)",
    "B": r"LCT00[1237]|LLM001",
    "C": r"LCT0(1\d|2\d)|LCA|LCB|LCD|LCE|LCF|LCG|LCL|LCP|LCS|LCW|LCX|LLC020|LST002",
}
"""The model names of each gamut, for bridges that do not report the gamut itself.

Source: https://developers.meethue.com/develop/hue-api/supported-devices/
"""

TO_XYZ = ((0.664511, 0.154324, 0.162028), (0.283881, 0.668433, 0.047685), (0.000088, 0.072310, 0.986039))
"""Converts linear RGB to XYZ, for the wide gamut of lamps.

Source: https://developers.meethue.com/develop/application-design-guidance/color-conversion-formulas-rgb-to-xy-and-back/
"""

FROM_XYZ = (
    (1.656492, -0.354851, -0.255038),
    (-0.707196, 1.655397, 0.036152),
    (0.051713, -0.121364, 1.011530),
)
"""Converts XYZ to linear RGB: the inverse of `TO_XYZ`."""

WHITE: XY = (0.3127, 0.329)
"""xy of daylight, used for black. Source: CIE standard illuminant D65."""

LONGEST = 100
"""Maximum characters of a colour as text; regular expressions are slow on longer ones."""

BRIGHTEST = 254
LOWEST = 1 / BRIGHTEST
"""A lamp's brightness ranges from 1 to 254; the lowest is dim, not off. Lamps are never switched off here.

Source: https://developers.meethue.com/develop/hue-api/lights-api/ (set light state)
"""


@dataclass(frozen=True)
class Light:
    """The light that a lamp should show.

    Attributes:
        rgb: The colour, 0 to 255 each; only `brightness` says how bright it is.
        brightness: 0 to 1.
    """

    rgb: RGB
    brightness: float = 1.0

    def dimmed(self, factor: float) -> Light:
        """Returns the same colour with its brightness multiplied by a factor, at most 1.

        Example:
            >>> Light((255, 0, 0), 0.5).dimmed(0.5).brightness
            0.25
        """
        return Light(self.rgb, round(min(1.0, max(0.0, self.brightness * factor)), 4))


def light(text: str) -> Light:
    """Parses a colour as a user wrote it: a name or hex code, and a brightness if it is not full.

    A dark colour becomes the bright one at a lower brightness; black becomes white at the lowest.

    Raises:
        BadInputError: There is no such colour; use a named colour or #rrggbb.

    Example:
        >>> light("gold"), light("#00f 40%")
        (Light(rgb=(255, 205, 30), brightness=1.0), Light(rgb=(0, 0, 255), brightness=0.4))
        >>> light("#330000"), light("#000")
        (Light(rgb=(255, 0, 0), brightness=0.2), Light(rgb=(255, 255, 255), brightness=0.0))
    """
    text = str(text).strip()[:LONGEST]
    words = re.fullmatch(r"(.*?)(?:\s+(\d{1,3})\s*%)?", text, re.DOTALL)
    name, percent = words.group(1).casefold(), int(words.group(2) or 100)
    digits = re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", name)
    if percent <= 100 and digits:
        return _brightest(_from_hex(digits.group(1))).dimmed(percent / 100)
    if percent <= 100 and name in NAMES:
        return Light(NAMES[name], percent / 100)
    if percent > 100 and (digits or name in NAMES):
        raise BadInputError(
            f"The brightness of {text!r} is {percent}%.", "Expected 0% to 100%.", f"Try: {name} 100%"
        )
    raise BadInputError(
        f"There is no colour {text!r}.",
        f"Expected #rrggbb or one of {', '.join(NAMES)}, optionally with a brightness such as 40%.",
        did_you_mean(name, NAMES),
    )


def any_colour(label: str) -> RGB:
    """Returns a bright colour for a label without one of its own; always the same for the same label.

    Example:
        >>> any_colour("Bored") == any_colour("bored") != any_colour("Sleepy")
        True
    """
    return hashed_colour(label, 0.9, 1.0)


def mix(lights: Mapping[Light, float] | Sequence[tuple[Light, float]]) -> Light:
    """Returns weighted lights mixed as they would mix in a room.

    Bright lights count for more than dim ones. The brightness is the weighted mean.

    Args:
        lights: The lights with their weights, 0 or more.

    Example:
        >>> mix([(Light((255, 0, 0)), 1), (Light((0, 0, 255)), 1)])
        Light(rgb=(255, 0, 255), brightness=1.0)
    """
    pairs = list(lights.items() if isinstance(lights, Mapping) else lights)
    total = sum(weight for _, weight in pairs)
    if total <= 0:
        return pairs[0][0].dimmed(0)
    brightness = sum(each.brightness * weight for each, weight in pairs) / total
    parts = [0.0, 0.0, 0.0]
    for each, weight in pairs:
        for channel, value in enumerate(linear(each.rgb)):
            parts[channel] += weight * each.brightness * value
    highest = max(parts) or 1.0
    return Light(tuple(round(255 * _encoded(part / highest)) for part in parts), brightness)


def linear(rgb: Sequence[float]) -> tuple[float, float, float]:
    """Returns RGB, 0 to 255, as amounts of light, 0 to 1.

    Source: IEC 61966-2-1, sRGB
    """
    shares = (value / 255 for value in rgb)
    return tuple(s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)


def to_xy(rgb: Sequence[float], gamut: Gamut | None = None) -> XY:
    """Returns the xy of a colour, limited to what a lamp can show.

    Args:
        rgb: 0 to 255 each.
        gamut: The lamp's red, green and blue corners; None if they are not known.

    Example:
        >>> to_xy((255, 0, 0), GAMUTS["B"])
        (0.675, 0.322)
    """
    amounts = linear(rgb)
    x, y, z = (sum(f * a for f, a in zip(row, amounts, strict=True)) for row in TO_XYZ)
    total = x + y + z
    point = (x / total, y / total) if total else WHITE
    return tuple(round(value, 4) for value in (_nearest(point, gamut) if gamut else point))


def to_rgb(xy: Sequence[float]) -> RGB:
    """Returns the brightest RGB of an xy, as close as a screen can show it; the inverse of `to_xy`.

    Example:
        >>> to_rgb(to_xy((255, 205, 30)))
        (255, 205, 30)
    """
    x, y = xy
    amounts = [max(0.0, f * x + g * y + h * (1 - x - y)) for f, g, h in FROM_XYZ]
    highest = max(amounts) or 1.0
    return tuple(round(255 * _encoded(amount / highest)) for amount in amounts)


def gamut_of(lamp: Mapping) -> Gamut | None:
    """Returns the gamut of a lamp as the bridge describes it: its own, or its model's, or None.

    Example:
        >>> gamut_of({"modelid": "LCT001"}) == GAMUTS["B"]
        True
    """
    try:
        control = lamp["capabilities"]["control"]
        if "colorgamut" in control:
            return _triangle(control["colorgamut"])
        return GAMUTS[control["colorgamuttype"]]
    except (LookupError, TypeError, ValueError):  # missing or malformed
        model = str(lamp.get("modelid", ""))
        return next((GAMUTS[name] for name, begins in MODELS.items() if re.match(begins, model)), None)


def _triangle(corners: Sequence) -> Gamut:
    """Returns the three corners of a gamut.

    Raises:
        ValueError: There are more or fewer, or they are not between 0 and 1.
        TypeError: They are not numbers.
    """
    red, green, blue = ((float(x), float(y)) for x, y in corners)
    if not all(0 <= value <= 1 for corner in (red, green, blue) for value in corner):
        raise ValueError(corners)
    return red, green, blue


def _nearest(point: XY, gamut: Gamut) -> XY:
    """Returns the point itself if it lies in the triangle, otherwise the nearest point on its edges."""
    edges = [(gamut[i], gamut[(i + 1) % 3]) for i in range(3)]
    sides = [_cross(start, end, point) for start, end in edges]
    if all(side >= 0 for side in sides) or all(side <= 0 for side in sides):
        return point
    return min((_on_edge(point, *edge) for edge in edges), key=lambda other: _distance(point, other))


def _cross(start: XY, end: XY, point: XY) -> float:
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _on_edge(point: XY, start: XY, end: XY) -> XY:
    """Returns the point on an edge that is nearest to a point."""
    wide, high = end[0] - start[0], end[1] - start[1]
    length = wide * wide + high * high
    share = ((point[0] - start[0]) * wide + (point[1] - start[1]) * high) / length if length else 0.0
    share = min(1.0, max(0.0, share))
    return start[0] + share * wide, start[1] + share * high


def _distance(one: XY, other: XY) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def _from_hex(digits: str) -> RGB:
    """Returns the RGB of rgb or rrggbb."""
    pairs = [d * 2 for d in digits] if len(digits) == 3 else [digits[i : i + 2] for i in (0, 2, 4)]
    return tuple(int(pair, 16) for pair in pairs)


def _brightest(rgb: RGB) -> Light:
    """Returns a colour scaled so that its largest part is 255, with that part's share as its brightness."""
    amounts, largest = linear(rgb), max(rgb)
    if not largest:
        return Light((255, 255, 255), 0.0)
    parts = tuple(round(255 * _encoded(amount / max(amounts))) for amount in amounts)
    return Light(parts, round(largest / 255, 4))


def _encoded(share: float) -> float:
    """Returns an amount of light, 0 to 1, as sRGB, 0 to 1; the inverse of `linear`."""
    return share * 12.92 if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055
