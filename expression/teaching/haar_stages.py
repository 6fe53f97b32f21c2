"""Stages: a Haar cascade taken apart, to see what it asks and how far each window gets.

OpenCV runs cascades fast but reports only what it found. Here one is read into plain
objects, and `passed` runs it in numpy, window by window and stage by stage. Lesson 02
uses it; no detector does, because OpenCV is many times faster.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..errors import DAMAGE, BadInputError, MissingFileError
from ..pictures.image import resize

WINDOW = 24
"""Side of the window that OpenCV's cascade `haar` judges, in pixels."""

INNER = WINDOW - 2
"""Side of the part whose contrast is measured, in pixels."""

LEAST_CONTRAST = 10.0
"""A window whose grey levels have a smaller standard deviation is dropped before the first stage.

Source: OpenCV 4, modules/objdetect/src/cascadedetect.cpp, HaarEvaluator::setWindow
"""


@dataclass(frozen=True)
class Rectangle:
    """A part of the window; the sum of its pixels counts `weight` times."""

    x: int
    y: int
    width: int
    height: int
    weight: float


@dataclass(frozen=True)
class Question:
    """Is the weighted sum over these rectangles below the threshold?

    Attributes:
        rectangles: Two or three, in pixels of the window.
        threshold: In units of the window's contrast, so that the light does not matter.
        yes: Votes for a face if the sum is below it; negative ones are against.
        no: Votes for a face if it is not.
    """

    rectangles: tuple[Rectangle, ...]
    threshold: float
    yes: float
    no: float


@dataclass(frozen=True)
class Stage:
    """Questions whose votes are added up; a window with fewer than `threshold` is dropped."""

    questions: tuple[Question, ...]
    threshold: float

    def votes(self, window: np.ndarray) -> list[float]:
        """Returns the votes of each question for one window, (24, 24) uint8 grey levels."""
        table, contrast = integral(window), _contrast(window, 0, 0)
        return [float(_vote(question, table, 0, 0, contrast)) for question in self.questions]


def read_stages(path: str | Path) -> list[Stage]:
    """Reads an OpenCV cascade that asks one Haar feature at a time.

    Args:
        path: For example `CASCADES["haar"].path`.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is not a Haar cascade, has a window other than 24 x 24 pixels or tilted
            rectangles, or asks several features in a row; use the one named above.

    Example:
        >>> from expression.vision.cascades import CASCADES
        >>> stages = read_stages(CASCADES["haar"].path)
        >>> len(stages), len(stages[0].questions), sum(len(stage.questions) for stage in stages)
        (25, 9, 2913)
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"There is no cascade {path}.", "Expected an existing file.", 'Use CASCADES["haar"].path.'
        )
    try:
        cascade = ElementTree.parse(path).getroot()[0]
        if {cascade.findtext("width").strip(), cascade.findtext("height").strip()} != {str(WINDOW)}:
            raise ValueError("another window size")
        features = [_rectangles(feature) for feature in cascade.find("features")]
        return [_stage(stage, features) for stage in cascade.find("stages")]
    except DAMAGE as error:
        raise BadInputError(
            f"{path} cannot be read as a cascade.",
            f"Expected a Haar cascade of {WINDOW} x {WINDOW} pixels with one feature per question.",
            'Use CASCADES["haar"].path.',
        ) from error


def _rectangles(feature: ElementTree.Element) -> tuple[Rectangle, ...]:
    """Returns the rectangles of a feature."""
    if (feature.findtext("tilted") or "0").strip() != "0":
        raise ValueError("tilted rectangles")
    rows = [rectangle.text.split() for rectangle in feature.find("rects")]
    return tuple(Rectangle(*map(int, row[:4]), float(row[4])) for row in rows)


def _stage(stage: ElementTree.Element, features: list[tuple[Rectangle, ...]]) -> Stage:
    """Returns a stage with its questions."""
    questions = []
    for question in stage.find("weakClassifiers"):
        _, _, feature, threshold = question.findtext("internalNodes").split()  # four: not a tree of features
        yes, no = map(float, question.findtext("leafValues").split())
        questions.append(Question(features[int(feature)], float(threshold), yes, no))
    return Stage(tuple(questions), float(stage.findtext("stageThreshold")))


def integral(pixels: np.ndarray) -> np.ndarray:
    """Returns the integral image: entry (y, x) is the sum of all pixels above row y and left of column x.

    Args:
        pixels: (height, width) uint8 grey levels.

    Returns:
        (height + 1, width + 1) int64.

    Example:
        >>> integral(np.ones((2, 3), np.uint8)).tolist()
        [[0, 0, 0, 0], [0, 1, 2, 3], [0, 2, 4, 6]]
    """
    return np.pad(pixels.astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)


def rectangle_sum(table: np.ndarray, x: int, y: int, width: int, height: int) -> np.int64 | np.ndarray:
    """Returns the sum over a rectangle with four look-ups, however large it is.

    Args:
        table: See `integral`.
        x: Its left edge; an array for many rectangles of one size at once.
        y: Its upper edge, or an array.
        width: In pixels.
        height: In pixels.

    Example:
        >>> int(rectangle_sum(integral(np.ones((9, 9), np.uint8)), 2, 3, 4, 5))
        20
    """
    right, bottom = x + width, y + height
    return table[bottom, right] - table[y, right] - table[bottom, x] + table[y, x]


def passed(stages: Sequence[Stage], pixels: np.ndarray) -> np.ndarray:
    """Places the window everywhere in a picture, and counts the stages that it passes.

    Args:
        stages: See `read_stages`.
        pixels: (height, width) uint8 grey levels, both 24 or more.

    Returns:
        (height - 23, width - 23) int64; the entry (y, x) is for the window with that top left
        pixel. A face has passed all stages.
    """
    places = np.indices(np.subtract(pixels.shape, WINDOW - 1))
    y, x = places.reshape(2, -1)
    table, contrast = integral(pixels), _contrast(pixels, x, y)
    counts = np.zeros(len(x), int)
    left = np.flatnonzero(contrast > LEAST_CONTRAST)
    for stage in stages:
        votes = sum(_vote(question, table, x[left], y[left], contrast[left]) for question in stage.questions)
        left = left[votes >= stage.threshold]
        counts[left] += 1
    return counts.reshape(places.shape[1:])


def _vote(question: Question, table: np.ndarray, x, y, contrast) -> np.ndarray:
    """Returns the votes of a question for the windows at x and y, one or many."""
    value = sum(
        part.weight * rectangle_sum(table, x + part.x, y + part.y, part.width, part.height)
        for part in question.rectangles
    )
    return np.where(value < question.threshold * contrast * INNER**2, question.yes, question.no)


def _contrast(pixels: np.ndarray, x, y) -> np.ndarray:
    """Returns the standard deviation of the grey levels of windows, without their edges, as OpenCV does."""
    tables = integral(pixels), integral(np.square(pixels, dtype=np.int64))
    mean, square = (rectangle_sum(table, x + 1, y + 1, INNER, INNER) / INNER**2 for table in tables)
    return np.sqrt(np.maximum(square - mean**2, 0))


def pyramid(pixels: np.ndarray, step: float) -> Iterator[np.ndarray]:
    """Yields a picture as it is, then one step smaller each time, as long as the window fits.

    Example:
        >>> [small.shape for small in pyramid(np.zeros((60, 80), np.uint8), 1.5)]
        [(60, 80), (40, 53), (27, 36)]
    """
    height, width = pixels.shape
    factor = 1.0
    while min(height, width) / factor >= WINDOW:
        yield resize(pixels, round(width / factor), round(height / factor))
        factor *= step


def drawn_question(window: np.ndarray, question: Question) -> np.ndarray:
    """Returns a window with the rectangles of a question: white where it adds, black where it subtracts.

    Args:
        window: (n, n) uint8 grey levels; n is a multiple of 24.
        question: See `read_stages`.
    """
    weights = np.zeros((WINDOW, WINDOW))
    for part in question.rectangles:
        weights[part.y : part.y + part.height, part.x : part.x + part.width] += part.weight
    weights = np.kron(weights, np.ones(np.array(window.shape) // WINDOW))
    ink = np.where(weights > 0, 255, 0)
    return np.uint8(np.where(weights == 0, window, 0.4 * window + 0.6 * ink))
