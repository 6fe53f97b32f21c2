"""A drawn person who sits in front of a camera and shows the expression requested.

Without a real person, lesson 08 fills the labeler with her pictures. She is the person of the demo.

Notebook: 08_your_face
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ._base import Source
from ._portrait import Portrait
from ._story import FEELINGS, HEIGHT, NEUTRAL, WIDTH
from .demo import draw_person, place_person, room

SHOWS = {
    **{"happy": FEELINGS["laugh"], "sad": FEELINGS["sad"], "surprise": FEELINGS["surprise"]},
    **{"angry": FEELINGS["angry"], "neutral": NEUTRAL, "asleep": {**NEUTRAL, "blink": 1.0}},
}
"""The expressions she can show, as weights of the portrait's actions."""

CALM = {name: NEUTRAL.get(name, 0.0) for name in sorted({n for shown in SHOWS.values() for n in shown})}
"""All of her muscles, at rest."""

MOVES = 5 + len(CALM)
"""The number of random movements: her place, size and tilt, the strength of the expression, each muscle."""

POSE = (320.0, 220.0, 1.35, 0.0)
"""The place of her face: x and y in pixels, size, tilt in degrees."""

DAY, MOMENT = (25, 12, 0.16, 3), (14, 9, 0.07, 5)
"""Its standard deviations from day to day, and within a day."""

STILL = 0.9
"""The share of her movement that remains from one frame to the next; little is left after a second."""


class Sitter(Source):
    """A drawn person who is never still.

    Args:
        day: A number; on each day the light and her place are different.

    Attributes:
        shows: The expression shown, a key of `SHOWS`; any other word leaves her neutral.
        asks: If set, called before each frame; returns the expression to show.

    Example:
        >>> sitter = Sitter(day=1)
        >>> sitter.open()
        >>> sitter.shows = "sad"
        >>> sitter.read().shape
        (480, 640, 3)
    """

    fps = 25.0
    description = "a drawn person"

    def __init__(self, day: int = 0):
        self.day, self.shows = day, "neutral"
        self.asks: Callable[[], str] | None = None
        self._person: Portrait | None = None

    def open(self) -> None:
        """Prepares the room and the light of the day."""
        self._random = np.random.default_rng(self.day)
        self._person, self._room = Portrait(), room()[:, 60 : 60 + WIDTH]
        self._place = np.array(POSE) + self._random.normal(0, DAY)
        light = np.clip(self._random.normal(0.9, 0.2), 0.5, 1.2) * self._random.normal(1, 0.05, 3)
        side = self._random.uniform(-0.35, 0.35) * np.linspace(-1, 1, WIDTH)
        self._light = np.float32(light * (1 + side[:, None]))[None]
        self._moved = self._random.normal(size=MOVES)

    def read(self) -> np.ndarray:
        """Returns the next frame, (480, 640, 3) uint8 RGB; opens the source if necessary."""
        if self._person is None:
            self.open()
        self.shows = self.asks() if self.asks else self.shows
        self._moved = STILL * self._moved + (1 - STILL**2) ** 0.5 * self._random.normal(size=MOVES)
        self._person.express(self._weights())
        canvas = self._room.copy()
        x, y, size, tilt = self._place + self._moved[:4] * MOMENT
        draw_person(canvas, self._person.pixels, place_person(x, y, size, tilt))
        noise = np.float32(self._random.normal(0, 3, (HEIGHT, WIDTH, 1)))
        return np.uint8(np.clip(cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB) * self._light + noise, 0, 255))

    def _weights(self) -> dict[str, float]:
        """Returns the current expression, weaker or stronger, with a small variation of each muscle."""
        shown = SHOWS.get(self.shows.casefold(), NEUTRAL)
        strength = 0.85 + 0.15 * self._moved[4]
        return {
            name: (calm + strength * (shown.get(name, 0.0) - calm)) * (1 + 0.1 * moved)
            for (name, calm), moved in zip(CALM.items(), self._moved[5:], strict=True)
        }
