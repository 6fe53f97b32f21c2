"""The muscles of the demo's face: for each action, the source of every pixel.

An action, such as raising the brows, is a field: an array with the offset of the source pixel
for each pixel of the face. An expression is a weighted sum of fields, modelled on the action
units of Ekman and Friesen. `_portrait.py` adds them up.

Source: Ekman and Friesen, Facial Action Coding System, 1978
Notebook: 03_threads
"""

from __future__ import annotations

import numpy as np

SIZE = 512
"""Pixels on a side of the portrait; all coordinates below are in its pixels."""

DETAIL = 1.5
"""The factor by which the portrait is enlarged, so that small movements are smooth."""

FACE = (160, 64, 132, 136)
"""Left, top, width, height of the moving part; hair and suit around it do not move."""

UPPER_LIP = [(202, 138.5), (206, 140.6), (210, 141.2), (214, 142.2), (218, 143.2), (226, 143.2)]
UPPER_LIP += [(230, 143), (234, 142.4), (238, 141.4), (241, 140.2), (246, 139)]
LOWER_LIP = [(202, 138.5), (205, 142.5), (208, 146), (212, 148.6), (216, 149.8), (220, 150.3), (224, 150.4)]
LOWER_LIP += [(228, 150.1), (232, 148.9), (236, 147.2), (240, 144.4), (243, 141.8), (246, 139)]
LEFT_LID = [(190, 101), (194, 98.6), (198, 96.8), (202, 96.2), (206, 96.8), (210, 99.3), (214, 103)]
LEFT_EYE = [(190, 101), (195, 103.6), (199, 104.8), (203, 105.3), (207, 105), (210, 104.4), (214, 103)]
RIGHT_LID = [(233, 105), (238, 102), (242, 99.8), (246, 98.8), (250, 99.3), (254, 101.3), (259, 104.6)]
RIGHT_EYE = [(233, 105), (238, 106.6), (242, 107.4), (246, 107.8), (250, 107.4), (254, 106.3), (259, 104.6)]
"""Edges of mouth and eyes, (x, y), placed manually."""

MIDDLE = 224
"""The column of the portrait through nose and mouth."""

MOVES = {
    "glad": [
        *[(204, 139, -1.5, -1.5, 9, 9), (244, 139.5, 1.5, -1.5, 9, 9)],
        *[(196, 120, 0, -1.5, 9, 7), (252, 122, 0, -1.5, 9, 7)],
    ],
    "brows": [
        *[(192, 91, 0, -3.0, 7, 6), (203, 90, 0, -4.0, 8, 6), (213, 92, 0, -3.6, 7, 6)],
        *[(237, 93, 0, -3.6, 7, 6), (249, 92, 0, -4.0, 8, 6), (261, 94, 0, -3.0, 7, 6)],
    ],
    "inner": [
        *[(193, 91, 0, 2.0, 7, 5), (213, 92, 1.0, -4.6, 6, 6)],
        *[(237, 93, -1.0, -4.6, 6, 6), (260, 94, 0, 2.0, 7, 5)],
    ],
    "frown": [
        *[(193, 90, 0, -0.8, 6, 6), (203, 89, 1.0, 2.6, 7, 6), (213, 92, 2.5, 5.0, 7, 6)],
        *[(237, 93, -2.5, 5.0, 7, 6), (249, 92, -1.0, 2.6, 7, 6), (260, 94, 0, -0.8, 6, 6)],
    ],
    "wide": [
        *[(202, 96.5, 0, -2.0, 9, 4), (203, 105.5, 0, 1.2, 9, 4)],
        *[(246, 99, 0, -2.0, 9, 4), (246, 108, 0, 1.2, 9, 4)],
    ],
    "round": [(206, 141, 4.5, 1.5, 7, 8), (242, 141.5, -4.5, 1.5, 7, 8)],
    "press": [(223, 141, 0, 1.6, 14, 3.5), (223, 153, 0, -2.2, 13, 3.5)],
}
"""The movements of each action: x and y of a point, its shift in x and y, the extent of its surroundings."""


def moves() -> dict[str, np.ndarray]:
    """Returns the fields of all actions that stretch the skin.

    Returns:
        (204, 198, 2) float32 each: offset right and down, in enlarged pixels.
    """
    bent = {"calm": _bend(7.0, 0.12), "down": _bend(4.0, 0.0)}
    return {name: _field(bumps) for name, bumps in MOVES.items()} | bent


def grid() -> np.ndarray:
    """Returns each pixel's own (x, y) within the face, float32."""
    width, height = (round(DETAIL * v) for v in FACE[2:])
    return np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)


def places() -> tuple[np.ndarray, np.ndarray]:
    """Returns x and y of the pixels of the face, in pixels of the portrait."""
    pixels = grid() / DETAIL
    return pixels[..., 0] + FACE[0], pixels[..., 1] + FACE[1]


def _as_field(right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Converts offsets in pixels of the portrait to a field of the enlarged face, faded at its edge."""
    x, y = places()
    left, top, width, height = FACE
    inside = np.minimum.reduce([x - left, left + width - x, y - top, top + height - y])
    fade = step(inside / 8) * DETAIL
    return np.dstack([right * fade, down * fade]).astype(np.float32)


def _field(bumps: list[tuple]) -> np.ndarray:
    """Returns the field of an action: each bump moves its surroundings along."""
    x, y = places()
    right, down = np.zeros_like(x), np.zeros_like(x)
    for at_x, at_y, by_x, by_y, wide, high in bumps:
        near = np.exp(-((x - at_x - by_x) ** 2) / (2 * wide**2) - (y - at_y - by_y) ** 2 / (2 * high**2))
        right, down = right - by_x * near, down - by_y * near
    return _as_field(right, down)


def _bend(drop: float, narrower: float) -> np.ndarray:
    """Returns the field that bends the mouth.

    Args:
        drop: How far the corners drop below the middle, in pixels of the portrait.
        narrower: The fraction by which it gets narrower.
    """
    x, y = places()
    aside = (x - MIDDLE) / 20
    near = np.exp(-((aside / 1.4) ** 4) - ((y - 145) / 11) ** 2)
    return _as_field(20 * aside * narrower * near, -drop * (aside**2 - 0.35) * near)


def openings() -> dict[str, np.ndarray]:
    """Returns the fields of close, open and blink, which tear the picture along a line."""
    fields = {"close": _closed_lips(), "open": _open_mouth(), "blink": _closed_lids()}
    return {name: _as_field(np.zeros_like(down), down) for name, down in fields.items()}


def lips() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns x of each pixel, and y of the edges of the upper and lower lip there."""
    x, _ = places()
    return x, curve(UPPER_LIP, x), curve(LOWER_LIP, x)


def hole() -> tuple[np.ndarray, np.ndarray]:
    """Returns the reach of an open mouth from the line of the lips, and each pixel's distance from it."""
    x, upper, lower = lips()
    arch = np.sqrt(np.maximum(0, 1 - ((x - MIDDLE) / 15) ** 2))
    from_line = places()[1] - (upper + lower) / 2
    return np.where(from_line < 0, 2.0, 9.0) * arch, np.abs(from_line)


def _closed_lips() -> np.ndarray:
    """Returns the vertical offset of each pixel's source once the lips have closed over the teeth."""
    _, upper, lower = lips()
    middle = (upper + lower) / 2
    from_line = places()[1] - middle
    from_above = (upper - middle) * _fade(-from_line, 4, 14)
    return np.where(from_line < 0, from_above, (lower - middle) * _fade(from_line, 7, 20))


def _open_mouth() -> np.ndarray:
    """Returns the same for an opening mouth: the lips part, the jaw drops."""
    x, upper, lower = lips()
    reach, away = hole()
    above = places()[1] < (upper + lower) / 2
    chin = 7 * np.exp(-(((x - MIDDLE) / 24) ** 2))
    jaw = reach + (chin - reach) * step((away - 10) / 10)
    return np.where(above, reach * _fade(away - reach, 4, 13), -jaw * _fade(away, 26, 52))


def _closed_lids() -> np.ndarray:
    """Returns the same for closed lids."""
    x, y = places()
    down = np.zeros_like(x)
    for lid, eye in ((LEFT_LID, LEFT_EYE), (RIGHT_LID, RIGHT_EYE)):
        top, bottom = curve(lid, x), curve(eye, x)
        down = np.where(y < bottom, down + (top - bottom) * _fade(bottom - y, 2, 15), down)
    return down


def curve(points: list[tuple], x: np.ndarray) -> np.ndarray:
    """Returns y of a polyline at each x; constant outside."""
    return np.interp(x, *np.transpose(points))


def step(values: np.ndarray) -> np.ndarray:
    """Returns 0 below 0, 1 above 1 and a smooth transition between."""
    values = np.clip(values, 0, 1)
    return values * values * (3 - 2 * values)


def _fade(distance: np.ndarray, start: float, end: float) -> np.ndarray:
    """Returns 1 up to `start`, 0 from `end` on."""
    return 1 - step((distance - start) / (end - start))
