"""The scaling of pixels for a network: 0..1, -1..1, by a mean and a deviation ...

`image.preprocess` scales with it, `models/metadata.py` checks the scaling in a network's file, and
`models/external.py` reads the option `expression export --input`.

Notebook: 06_train
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..errors import BadInputError

STANDARDISE = "standardise"
"""The scaling of this package's own networks; see `image.standardise`."""

PER_IMAGE = "per-image"
"""Each picture minus its own mean, divided by its own deviation.

Source: https://www.tensorflow.org/api_docs/python/tf/image/per_image_standardization
"""

DEVIATION_FLOOR = 8.0
"""Added to the deviation by `standardise`, in grey levels, so that a blank picture stays
blank and noise in a dark one is not amplified."""

COLOURS = {"grey": 1, "rgb": 3, "bgr": 3, "grey3": 3}
"""The number of channels of each colour format; grey3 is the same grey three times."""

NAMED = {"imagenet": "123.675:116.28:103.53/58.395:57.12:57.375"}
"""Scalings with a name of their own.

Source: https://docs.pytorch.org/vision/stable/models.html, times 255
"""

FORMS = "0..1, -1..1, 0..255, per-image, imagenet or MEAN/DEVIATION such as 127.5/64"
"""Description of the scalings, for messages."""

LARGEST = 4096
"""Pixels on a side of the largest input; no network for faces needs nearly as many."""

NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})")
MEANS = re.compile(rf"({NUMBER}(?::{NUMBER}){{0,2}})/({NUMBER}(?::{NUMBER}){{0,2}})")


@dataclass(frozen=True)
class Wanted:
    """The parts of `--input`; None for those left out.

    Attributes:
        size: Pixels on a side.
        colour: grey, rgb or bgr.
        scaling: One of FORMS.
    """

    size: int | None = None
    colour: str | None = None
    scaling: str | None = None


def read_input(text: str) -> Wanted:
    """Parses `--input`: a size, a colour and a scaling, separated by commas, in any order.

    Raises:
        BadInputError: An item is not one of them, or two are of the same kind.

    Example:
        >>> read_input("64,rgb,-1..1")
        Wanted(size=64, colour='rgb', scaling='-1..1')
    """
    found: dict[str, int | str] = {}
    for word in text.casefold().replace(" ", "").split(","):
        kind, value = _read_word(word, text)
        if kind in found:
            raise _unclear(text, f"gives the {kind} twice, as {found[kind]} and {value}")
        found[kind] = value
    return Wanted(**found)


def _read_word(word: str, text: str) -> tuple[str, int | str]:
    """Returns the attribute of Wanted that a word sets, and its value."""
    size = re.fullmatch(r"(\d{1,9})(?:[x×](\d{1,9}))?", word)
    if size:
        if size[2] not in (None, size[1]) or not 1 <= int(size[1]) <= LARGEST:
            raise _unclear(text, f"has the size {word}, but inputs are square, at most {LARGEST} pixels")
        return "size", int(size[1])
    word = NAMED.get(word, word).replace("gray", "grey")
    if word in COLOURS:
        return "colour", word
    if is_scaling(word):
        return "scaling", word
    raise _unclear(text, f"contains {word!r}" if word else "has an empty item")


def _unclear(text: str, why: str) -> BadInputError:
    return BadInputError(
        f"--input {text!r} {why}.",
        f"Expected a scaling ({FORMS}) and, if the network does not fix them, "
        "a size in pixels and a colour (grey, rgb or bgr), separated by commas.",
        "For example: --input 0..1, or --input 64,rgb,-1..1",
    )


def is_scaling(text: str, channels: int = 3) -> bool:
    """Returns whether a text is a scaling that works for so many channels.

    Example:
        >>> [is_scaling(text) for text in ("0..1", "1..0", "127.5/64", "127.5/0", "divide")]
        [True, False, True, False, False]
    """
    if text in (STANDARDISE, PER_IMAGE):
        return True
    lowest, highest = _ends(text, channels) or (0, 0)
    return bool(np.all(np.less(lowest, highest)))


def _ends(text: str, channels: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the values of black and white, (1 or 3,) float64 each; None for another kind of scaling."""
    if found := RANGE.fullmatch(text):
        return np.array([float(found[1])]), np.array([float(found[2])])
    found = MEANS.fullmatch(text)
    if not found:
        return None
    means, deviations = (np.array([float(word) for word in part.split(":")]) for part in found.groups())
    if not {len(means), len(deviations)} <= {1, channels} or not (deviations > 0).all():
        return None
    return -means / deviations, (255 - means) / deviations


@lru_cache
def factors(scaling: str, channels: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the factor and the offset for grey levels; None for scalings by each picture's own mean.

    Example:
        >>> factors("-1..1", 1)
        (array([0.00784314], dtype=float32), array([-1.], dtype=float32))
    """
    ends = _ends(scaling, channels)
    return ends and (np.float32((ends[1] - ends[0]) / 255), np.float32(ends[0]))


def scaled(pixels: np.ndarray, scaling: str) -> np.ndarray:
    """Returns pictures scaled for a network.

    Args:
        pixels: (..., size, size, channels) uint8, 0 to 255.
        scaling: One of FORMS, or `standardise`.

    Returns:
        The same shape, float32.

    Example:
        >>> scaled(np.full((1, 1, 1), 255, np.uint8), "0..1").item()
        1.0
    """
    pixels = np.asarray(pixels, np.float32)
    both = factors(scaling, pixels.shape[-1])
    if both:
        return pixels * both[0] + both[1]
    axes = (-3, -2, -1)
    mean, deviation = pixels.mean(axes, keepdims=True), pixels.std(axes, keepdims=True)
    if scaling == STANDARDISE:
        return (pixels - mean) / (deviation + np.float32(DEVIATION_FLOOR))
    lowest = np.float32(np.prod(pixels.shape[-3:])) ** np.float32(-0.5)
    return (pixels - mean) / np.maximum(deviation, lowest)
