"""Lamp: a drawn lamp that follows what is read, for everybody without a bridge.

`--sink lamp` creates it. Its light is computed as for real lamps, by `LightSettings`, and fades as theirs
does; `picture` draws it for a window or a notebook.

Notebook: 09_lights
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from ..lights.colours import LOWEST, Light, mix
from ._light_sink import Lighting

GROUND, SHADE_OFF, METAL = (24, 27, 33), (58, 60, 66), (92, 96, 104)
"""RGB of the dark room, of the unlit shade, and of the stand."""


class Lamp(Lighting):
    """Draws a lamp in a corner of the display.

    Args:
        follow: Follow the "largest" face, or the "mean" of everybody's scores.
        colours: Colours of labels, such as "Happy:gold+Sad:blue 40%".
        neutral: The light when nobody is there. The label Neutral has its own light in `colours`.
        blend: Mix the lights of all labels by their scores.
        by_score: Dim the light when the score is low.
        brightness: Factor for all brightnesses, 0 to 1.
        transition: Seconds to fade from one light to the next.
        dwell: Seconds that a label must stay the same before it is shown.

    Attributes:
        light: What it shows, or will once it has faded.

    Example:
        >>> lamp = Lamp()
        >>> lamp.show(Light((255, 0, 0)))
        >>> lamp.picture(60, 80).shape
        (80, 60, 3)
    """

    silent = True
    keeps = ""

    def __init__(
        self,
        follow: str | None = None,
        colours: str | None = None,
        neutral: str | None = None,
        blend: bool | None = None,
        by_score: bool | None = None,
        brightness: float | None = None,
        transition: float | None = None,
        dwell: float | None = None,
    ):
        options = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**options)
        self._clock: Callable[[], float] = time.monotonic
        dark = Light((0, 0, 0), 0.0)
        self._fade = (dark, self.settings.light_of_nobody(), self._clock())  # from, to, since when

    @property
    def light(self) -> Light:
        """What it shows, or will once it has faded."""
        return self._fade[1]

    def show(self, light: Light) -> None:
        """Starts to fade to a light."""
        if light != self._fade[1]:
            self._fade = (self.now(), light, self._clock())

    def now(self) -> Light:
        """Returns the light at this moment of the fade."""
        start, end, since = self._fade
        seconds = self.settings.transition
        share = min(1.0, (self._clock() - since) / seconds) if seconds else 1.0
        if share >= 1.0:
            return end
        between = mix([(start, 1 - share), (end, share)])
        return Light(between.rgb, start.brightness * (1 - share) + end.brightness * share)

    def picture(self, width: int = 240, height: int = 320) -> np.ndarray:
        """Draws the lamp and its glow; a display shows it in a corner. Any thread may call it.

        Returns:
            (height, width, 3) uint8, RGB.
        """
        return draw_lamp(self.now(), width, height)


@lru_cache(maxsize=4)
def draw_lamp(light: Light, width: int = 240, height: int = 320) -> np.ndarray:
    """Draws a table lamp that shows a light; without brightness, as dim as a real lamp at its lowest.

    Returns:
        (height, width, 3) uint8, RGB; read-only, since it is cached.
    """
    unit = min(width / 240, height / 320)
    left, top = (width - 240 * unit) / 2, (height - 320 * unit) / 2

    def at(x: float, y: float) -> tuple[int, int]:
        return round((left + x * unit) * 8), round((top + y * unit) * 8)

    rgb = light.rgb if any(light.rgb) else (255, 255, 255)  # lamps cannot show black; real ones get white
    colour, power = np.array(rgb, np.float32), max(LOWEST, light.brightness) ** 0.6
    canvas = np.full((height, width, 3), GROUND, np.float32)
    canvas += _glow(width, height, at(120, 115), 130 * unit)[..., None] * colour * power * 0.75
    _shape(canvas, [at(114, 170), at(126, 170), at(126, 272), at(114, 272)], METAL)
    _shape(canvas, [at(88, 284), at(96, 268), at(144, 268), at(152, 284)], METAL)
    canvas += _glow(width, height, at(120, 282), 70 * unit, 0.18)[..., None] * colour * power * 0.5
    shade = np.array(SHADE_OFF) * (1 - power) + (colour * 0.8 + 255 * 0.2 * power) * power
    screen = (at(84, 64), at(156, 64), at(186, 170), at(54, 170))
    _shape(canvas, screen, shade)
    bulb = _glow(width, height, at(120, 125), 62 * unit) * _cover(height, width, screen)
    canvas += bulb[..., None] * (255 - canvas) * power * 0.75
    drawn = np.clip(canvas, 0, 255).astype(np.uint8)
    drawn.setflags(write=False)
    return drawn


def _shape(
    canvas: np.ndarray, points: Sequence[tuple[int, int]], value: Sequence[float] | np.ndarray
) -> None:
    """Fills a shape with smooth edges; points in eighths of a pixel."""
    share = _cover(*canvas.shape[:2], tuple(points))[..., None]
    canvas *= 1 - share
    canvas += share * np.asarray(value, np.float32)


@lru_cache(maxsize=16)
def _cover(height: int, width: int, points: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Returns how much of each pixel a shape covers, (height, width) float32, 0 to 1."""
    cover = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(cover, np.array(points, np.int32), 255, cv2.LINE_AA, shift=3)
    return cover.astype(np.float32) / 255


@lru_cache(maxsize=16)
def _glow(width: int, height: int, centre: tuple[int, int], radius: float, flat: float = 1.0) -> np.ndarray:
    """Returns light that fades from a centre, (height, width) float32, 0 to 1; `flat` flattens it."""
    x = (np.arange(width, dtype=np.float32) - centre[0] / 8) / radius
    y = (np.arange(height, dtype=np.float32) - centre[1] / 8) / (radius * flat)
    return np.exp(-(x[None, :] ** 2 + y[:, None] ** 2))
