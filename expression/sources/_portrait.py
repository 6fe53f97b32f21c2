"""The people of the demo: one portrait whose face moves, in two sets of colours.

The portrait shows the astronaut Eileen Collins (NASA, public domain); scikit-image
ships it under the name `astronaut`. `portrait.jpg` is that picture with the background
removed, and `portrait_masks.jpg` has three masks of it side by side: the person, the
hair, the suit. `demo.py` creates two `Portrait`s and shows them; `_muscles.py` defines
how the face moves.

Source: NASA, portrait of Eileen M. Collins, public domain, via skimage.data.astronaut
Notebook: 03_threads
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..pictures.image import read_picture
from ._muscles import DETAIL, FACE, SIZE, grid, hole, lips, moves, openings, places, step

FOLDER = Path(__file__).parent
LARGE = round(SIZE * DETAIL)
"""Pixels on a side of the enlarged portrait."""

INSIDE, SHADE, LIPS = (58, 24, 22), (92, 58, 38), (0.12, 0.3, 0.28)
"""RGB: an open mouth; creases and brows; how much darker lips are when they do not laugh, 0 to 1."""

EVEN = 1.3
"""How far the shading of cheeks is removed when they do not laugh; 1 removes it, more inverts it."""

FOLDS = [
    *[[(213, 125), (207, 129), (202, 133), (196, 138)], [(236, 124), (243, 130), (249, 137)]],
    *[[(198, 137), (204.5, 139.5)], [(242, 141), (249, 138)]],
]
CREASES = [[(221.5, 90), (220.5, 98)], [(229, 90.5), (230, 98.5)]]
BROWS = [[(190, 91), (199, 89.3), (213, 93)], [(237, 93.5), (250, 92.5), (264, 96)]]
"""Lines in the face, (x, y) in pixels of the portrait, placed manually."""


class Portrait:
    """A person whose expression can be set.

    Args:
        other: Whether to create the second person: dark hair, blue suit, browner skin.

    Attributes:
        pixels: (768, 768, 4) uint8 RGBA, colours already multiplied by alpha. `express`
            changes it in place.
    """

    def __init__(self, other: bool = False):
        colours, person, hair, suit = _read()
        if other:
            colours = _recolour(colours, hair, suit)
        self.pixels = _multiply(colours, person)
        self._moves, self._openings, self._grid = moves(), openings(), grid()
        self._face = self._view().copy()
        self._rest = _at_rest(self._face)
        self._shades, self._hole = _shades(), hole()
        self._last: dict[str, float] = {}

    def _view(self) -> np.ndarray:
        """Returns the part of the pixels that moves, as a view."""
        x, y, width, height = (round(DETAIL * v) for v in FACE)
        return self.pixels[y : y + height, x : x + width]

    def express(self, actions: dict[str, float]) -> None:
        """Moves the face.

        Args:
            actions: Weights, about 0 to 1, for any of `moves` and `openings` and for the
                shades crease and brow; without any the face laughs, as in the photograph.
        """
        if actions == self._last:
            return
        self._last = dict(actions)
        close = actions.get("close", 0.0)
        face = cv2.addWeighted(self._face, 1 - close, self._rest, close, 0)
        face = cv2.remap(face, *self._where(self._openings, actions), cv2.INTER_LINEAR)
        if actions.get("open", 0.0) > 0:
            reach, away = self._hole
            inside = np.clip((actions["open"] * reach - away) * DETAIL / 1.5 + 0.5, 0, 1)
            _paint(face, inside * (reach > 0), INSIDE)
        for name, mask in self._shades.items():
            if actions.get(name, 0.0) > 0:
                _paint(face, mask * actions[name], SHADE)
        self._view()[:] = cv2.remap(face, *self._where(self._moves, actions), cv2.INTER_LINEAR)

    def _where(self, fields: dict[str, np.ndarray], actions: dict[str, float]) -> tuple:
        """Returns the source of every pixel of the face, for `cv2.remap`."""
        total = self._grid
        for name, field in fields.items():
            if actions.get(name, 0.0):
                total = cv2.scaleAdd(field, actions[name], total)
        return total, None


def _read() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns the colours (float32 RGB, 0 to 1) and three masks (float32, 0 to 1), enlarged."""
    colours = read_picture(FOLDER / "portrait.jpg")
    masks = np.split(read_picture(FOLDER / "portrait_masks.jpg")[..., 0], 3, axis=1)
    size = (LARGE, LARGE)
    large = [cv2.resize(p, size, interpolation=cv2.INTER_CUBIC) for p in (colours, *masks)]
    return tuple(np.float32(p) / 255 for p in large)


def _multiply(colours: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Returns RGBA as uint8, with premultiplied alpha, so that edges blend without a fringe."""
    pixels = np.dstack([colours * person[..., None], person])
    return np.uint8(np.clip(pixels, 0, 1) * 255 + 0.5)


def _recolour(colours: np.ndarray, hair: np.ndarray, suit: np.ndarray) -> np.ndarray:
    """Returns the colours of the other person."""
    grey = colours.mean(2, keepdims=True)
    skin = colours ** (1.25, 1.3, 1.35)
    dark = grey**1.3 * (0.62, 0.5, 0.42)
    blue = colours[..., :1] * (0.24, 0.36, 0.6) + np.maximum(0, colours[..., 2:] - 0.25) * 0.7
    brows = _lines(BROWS, 2.0, 1.0)
    rows = (np.arange(LARGE) < 195 * DETAIL)[:, None, None]
    result = np.where(rows, skin, colours)
    for mask, colour in ((hair, dark), (suit, blue), (brows * 0.5, skin * 0.35)):
        result = result + np.clip(mask, 0, 1)[..., None] * (colour - result)
    return np.float32(result)


def _lines(lines: list[list[tuple]], thick: float, soft: float) -> np.ndarray:
    """Returns a mask of lines, in the size of the enlarged portrait."""
    mask = np.zeros((LARGE, LARGE), np.uint8)
    for points in lines:
        points = np.int32(np.array(points) * DETAIL * 16)
        cv2.polylines(mask, [points], False, 255, round(thick * DETAIL), cv2.LINE_AA, shift=4)
    return _blur(np.float32(mask) / 255, soft)


def _of_face(mask: np.ndarray) -> np.ndarray:
    """Returns the part of a mask that lies on the face."""
    x, y, width, height = (round(DETAIL * v) for v in FACE)
    return mask[y : y + height, x : x + width]


def _at_rest(face: np.ndarray) -> np.ndarray:
    """Returns the face without the shading of a laugh: folds, round cheeks, bright lips."""
    line, soft = (_of_face(_lines(FOLDS, 4.5, blur)) for blur in (0.1, 1.5))
    colours = np.ascontiguousarray(face[..., :3])
    filled = cv2.inpaint(colours, np.uint8(line > 0.1), 6, cv2.INPAINT_TELEA)
    colours = np.float32(colours) + soft[..., None] * (np.float32(filled) - colours)
    skin = np.float32(colours.mean(2) > 105)[..., None].repeat(3, 2)
    near, far = (_blur(colours * skin, reach) / np.maximum(0.05, _blur(skin, reach)) for reach in (2.5, 12))
    even = np.clip((far + 1) / (near + 1), 0.75, 1.33)
    colours *= 1 + EVEN * _cheeks()[..., None] * (even - 1)
    colours *= 1 - _lips()[..., None] * LIPS
    return np.dstack([np.uint8(np.clip(colours, 0, 255)), face[..., 3]])


def _blur(mask: np.ndarray, reach: float) -> np.ndarray:
    """Returns the mask blurred by so many pixels of the portrait."""
    return cv2.GaussianBlur(mask, (0, 0), reach * DETAIL)


def _cheeks() -> np.ndarray:
    """Returns a mask of the cheeks."""
    x, y = places()
    left = ((x - 199) / 15) ** 2 + ((y - 126) / 19) ** 2
    right = ((x - 247) / 14) ** 2 + ((y - 130) / 20) ** 2
    return np.float32(1 - step((np.sqrt(np.minimum(left, right)) - 0.6) / 0.7))


def _lips() -> np.ndarray:
    """Returns a mask of the lips."""
    x, upper, lower = lips()
    y = places()[1]
    arch = np.sqrt(np.maximum(0, 1 - ((x - 223) / 20) ** 2))
    inside = np.where(y < (upper + lower) / 2, y - upper + 3.5 * arch, lower + 5 * arch - y)
    return np.float32(step(inside / 1.5))


def _shades() -> dict[str, np.ndarray]:
    """Returns the darkening of the skin by each action, 0 to 1."""
    brows = _of_face(_lines(BROWS, 1.6, 0.8)) * 0.45
    creases = _of_face(_lines(CREASES, 1.0, 1.2)) * 0.5
    return {"crease": np.clip(creases + brows, 0, 1), "brow": brows}


def _paint(face: np.ndarray, mask: np.ndarray, colour: tuple) -> None:
    """Paints the face with a colour through a mask, in place."""
    rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    if not len(rows):
        return
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    there = face[part][..., :3]
    there[:] = there + mask[part][..., None] * (np.float32(colour) - there)
