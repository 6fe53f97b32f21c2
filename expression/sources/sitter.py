"""A drawn person who sits before a camera and shows what she is told.

Where nobody is there, lesson 07 fills the labeler with her pictures. She is the person of the demo.

Notebook: 07_your_face
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
"""What she can show, as weights of the portrait's actions."""

CALM = {name: NEUTRAL.get(name, 0.0) for name in sorted({n for shown in SHOWS.values() for n in shown})}
"""All of her muscles, at rest."""

MOVES = 5 + len(CALM)
"""What moves by itself: her place, size and tilt, how strongly she shows it, and each muscle."""

POSE = (320.0, 220.0, 1.35, 0.0)
"""Where her face is: x and y in pixels, size, tilt in degrees."""

DAY, MOMENT = (25, 12, 0.16, 3), (14, 9, 0.07, 5)
"""How far that differs from day to day, and how far in a day: standard deviations."""

STILL = 0.9
"""How much of her movement stays from one picture to the next; after a second little is left."""


class Sitter(Source):
    """A drawn person who is never still.

    Args:
        day: Another day has another light, and she sits elsewhere.

    Attributes:
        shows: What she shows, a key of `SHOWS`; any other word leaves her neutral.
        asks: Called before each picture for what she is to show, if set.

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
        """Draws the room in the light of the day."""
        self._random = np.random.default_rng(self.day)
        self._person, self._room = Portrait(), room()[:, 60 : 60 + WIDTH]
        self._place = np.array(POSE) + self._random.normal(0, DAY)
        light = np.clip(self._random.normal(0.9, 0.2), 0.5, 1.2) * self._random.normal(1, 0.05, 3)
        side = self._random.uniform(-0.35, 0.35) * np.linspace(-1, 1, WIDTH)
        self._light = np.float32(light * (1 + side[:, None]))[None]
        self._moved = self._random.normal(size=MOVES)

    def read(self) -> np.ndarray:
        """Returns the next picture, (480, 640, 3) uint8 RGB; opens where nobody did."""
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
        """Returns what she shows at the moment, weaker or stronger, each muscle a little otherwise."""
        shown = SHOWS.get(self.shows.casefold(), NEUTRAL)
        strength = 0.85 + 0.15 * self._moved[4]
        return {
            name: (calm + strength * (shown.get(name, 0.0) - calm)) * (1 + 0.1 * moved)
            for (name, calm), moved in zip(CALM.items(), self._moved[5:], strict=True)
        }
