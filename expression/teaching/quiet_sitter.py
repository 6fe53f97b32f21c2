"""A drawn person whose face shows little: a quarter of what others show for the same expression.

A network that learned from thousands of people takes such a face for Neutral most of the time. Lesson 08
records her on two days and teaches a network to read her.

Notebook: 08_your_face
"""

from __future__ import annotations

import numpy as np

from ..sources.sitter import CALM, MOVES, STILL, Sitter

STRENGTH = 0.25
"""How much of an expression she shows."""

PAUSE = 2
"""Frames that pass between two pictures, as in a burst: eight pictures in a second."""


class QuietSitter(Sitter):
    """Shows only a part of each expression, and moves on a little between two pictures.

    Closed eyes are closed, however little a face shows.

    Args:
        day: As for `Sitter`: on each day the light and her place are different.
        strength: The share of an expression that she shows; 1 for as much as `Sitter` does.

    Example:
        >>> sitter = QuietSitter(day=1)
        >>> sitter.shows = "happy"
        >>> sitter.read().shape
        (480, 640, 3)
    """

    description = "a drawn person whose face shows little"

    def __init__(self, day: int = 0, strength: float = STRENGTH):
        super().__init__(day)
        self.strength = strength

    def read(self) -> np.ndarray:
        """Returns a frame an eighth of a second after the last one, (480, 640, 3) uint8 RGB."""
        if self._person is None:
            self.open()
        for _ in range(PAUSE):
            moved = self._random.normal(size=MOVES)
            self._moved = STILL * self._moved + (1 - STILL**2) ** 0.5 * moved
        return super().read()

    def _weights(self) -> dict[str, float]:
        """Returns the current expression, weakened towards rest."""
        full = super()._weights()
        if self.shows.casefold() == "asleep":
            return full
        return {name: CALM[name] + self.strength * (weight - CALM[name]) for name, weight in full.items()}
