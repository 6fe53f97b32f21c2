"""A video that plays without a camera: a moving face, changing light, two people.

`open_source("demo")` creates a `Demo`. It plays for half a minute and shows what a live run has
to cope with: faces that laugh, look surprised and frown, come close, tilt, are in the dark,
cross paths, leave and come back. Frame n is always the same, so tests and measurements are
reproducible. The two people are one portrait (`_portrait.py`); `_story.py` has the script.

Notebook: 03_threads
"""

from __future__ import annotations

import cv2
import numpy as np

from ._base import Source
from ._portrait import DETAIL, SIZE, Portrait
from ._story import (
    CAMERA,
    FPS,
    FRAMES,
    HEIGHT,
    LABEL_OF,
    LIGHT,
    MOODS,
    PLACES,
    WIDTH,
    actions,
    place,
    smooth,
    track,
)

FACE = (223, 122)
"""The centre of the face in the portrait, in its pixels."""

FURNITURE = [
    *[(0, 405, 760, 480, (128, 112, 98)), (60, 40, 190, 250, (226, 230, 232))],
    *[(122, 40, 128, 250, (190, 188, 184)), (60, 140, 190, 146, (190, 188, 184))],
    *[(560, 90, 720, 410, (128, 104, 82)), (572, 102, 708, 190, (92, 78, 66))],
    *[(572, 204, 708, 292, (96, 82, 70)), (580, 120, 604, 190, (150, 84, 66))],
    *[(608, 130, 624, 190, (88, 110, 124)), (630, 116, 652, 190, (176, 156, 110))],
    *[(590, 226, 640, 292, (104, 122, 98)), (660, 240, 684, 292, (170, 120, 84))],
    *[(250, 120, 350, 220, (150, 140, 128)), (262, 132, 338, 208, (186, 182, 172))],
]
"""The furniture in the background: left, top, right, bottom in pixels, colour (RGB)."""


class Demo(Source):
    """Half a minute of video, generated while it plays.

    Args:
        repeat: Whether to start again at the end; the last frame matches the first.

    Example:
        >>> demo = Demo()
        >>> demo.open()
        >>> demo.read().shape
        (480, 640, 3)
        >>> demo.close()
    """

    fps = float(FPS)
    mirror = False
    description = "the demo"
    named = True

    def __init__(self, repeat: bool = True):
        self.repeat = repeat
        self.number = 0
        self._people: dict[str, Portrait] = {}
        self._places = {name: place(name) for name in PLACES}

    def open(self) -> None:
        """Loads the portrait and prepares the video; takes a fraction of a second, on a busy machine seconds.

        It returns early if the run ends meanwhile.
        """
        self.number = 0
        self._people = {}
        for name in ("second", "first"):
            if self.stopped():
                return
            self._people[name] = Portrait(other=name == "second")
        self._actions = {name: actions(name) for name in self._people}
        self._room, self._pan = room(), smooth(track(CAMERA), 12)
        self._light = smooth(track(LIGHT), 6)

    def read(self) -> np.ndarray | None:
        """Returns the next frame, (480, 640, 3) uint8 RGB, or None at the end."""
        if self.number >= FRAMES and not self.repeat:
            return None
        image = self.picture(self.number % FRAMES)
        self.number += 1
        return image

    def close(self) -> None:
        """Releases the portraits."""
        self._people = {}

    def picture(self, number: int) -> np.ndarray:
        """Draws one frame, from the background to the person in front.

        Args:
            number: The number of the frame, from 0 to 749.

        Returns:
            (480, 640, 3) uint8, RGB.
        """
        left = 60 + round(float(self._pan[number, 0]) / 2)
        canvas = self._room[:, left : left + WIDTH].copy()
        for name, portrait in self._people.items():
            x, y, size, tilt = self._places[name][number]
            if abs(x - WIDTH / 2) < WIDTH / 2 + 300 * size and y < HEIGHT + 150 * size:
                portrait.express(self._actions[name][number])
                draw_person(canvas, portrait.pixels, place_person(x, y, size, tilt, name == "second"))
        table = np.arange(256)[:, None] * self._light[number]
        return cv2.LUT(cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB), np.uint8(np.clip(table, 0, 255))[None])

    def story(self, who: str = "first") -> list[tuple[float, str]]:
        """Returns the labels that a person acts, each with the second from which it is shown.

        A transition takes about a third of a second, half of it before that moment.

        Args:
            who: first or second.

        Example:
            >>> Demo().story()[:3]
            [(0, 'Happy'), (2.4, 'Neutral'), (4.4, 'Surprise')]
        """
        return [(second, LABEL_OF[mood]) for second, mood in MOODS[who]]


def place_person(x: float, y: float, size: float, tilt: float, mirrored: bool = False) -> np.ndarray:
    """Returns the (2, 3) matrix that maps the enlarged portrait to its place in the frame."""
    cosine, sine = size * np.cos(np.radians(tilt)), size * np.sin(np.radians(tilt))
    side = -1 if mirrored else 1
    turn = np.array([[cosine * side, -sine], [sine * side, cosine]])
    return np.column_stack([turn / DETAIL, (x, y) - turn @ FACE])


def draw_person(canvas: np.ndarray, pixels: np.ndarray, matrix: np.ndarray) -> None:
    """Draws a person on the canvas, in place; both are RGBA."""
    corners = np.array([[0, 0, 1], [0, SIZE, 1 / DETAIL], [SIZE, 0, 1 / DETAIL], [SIZE, SIZE, 1 / DETAIL]])
    corners = matrix @ (corners * DETAIL).T
    left, top = np.maximum(0, np.floor(corners.min(1))).astype(int)
    right, bottom = np.minimum((WIDTH, HEIGHT), np.ceil(corners.max(1))).astype(int)
    if left >= right or top >= bottom:
        return
    matrix = matrix - [[0, 0, left], [0, 0, top]]
    person = cv2.warpAffine(pixels, matrix, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    behind = cv2.bitwise_not(cv2.extractChannel(person, 3))
    part = canvas[top:bottom, left:right]
    part[:] = cv2.add(cv2.multiply(part, cv2.merge([behind] * 4), scale=1 / 255), person)


def room() -> np.ndarray:
    """Returns the wall behind the people, out of focus: (480, 760, 4) uint8 RGBA."""
    width = WIDTH + 120
    room = np.full((HEIGHT, width, 3), (176, 170, 160), np.float32)
    room *= np.linspace(1.12, 0.86, width)[None, :, None]
    for left, top, right, bottom, colour in FURNITURE:
        cv2.rectangle(room, (left, top), (right, bottom), colour, cv2.FILLED)
    room = cv2.GaussianBlur(room, (0, 0), 13)
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : width * 1j]
    room *= (1.04 - 0.2 * (across**2 + 0.6 * down**2))[..., None]
    return cv2.cvtColor(np.uint8(np.clip(room, 0, 255)), cv2.COLOR_RGB2RGBA)
