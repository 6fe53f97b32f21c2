"""Occlusion: which parts of a face its label depends on.

Each part of the face is covered in turn, and the network scores the face again. Where the score of the label
falls most, there was most of what it depends on. `live/heat.py` does this during a run.

Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2,
https://arxiv.org/abs/1311.2901

Notebook: 15_small_and_fast
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..errors import BadInputError, did_you_mean
from .runtime import Runtime

GRID = 6
"""Patches on a side: in a face of 48 pixels they are 8 pixels wide, about the size of an eye."""


def occlusion_map(runtime: Runtime, face: np.ndarray, label: str) -> np.ndarray:
    """Returns how much the score of a label falls when each part of a face is covered.

    Args:
        runtime: The network.
        face: (size, size, channels) float32 from `Runtime.preprocess`.
        label: The label.

    Returns:
        (GRID, GRID) float32, the score of the whole face minus that of the face with this patch covered, -1
        to 1; below 0 where covering the patch raises the score.

    Raises:
        BadInputError: The network has no such label.

    Example:
        >>> from expression.models import load
        >>> occlusion_map(load(), np.zeros((48, 48, 1), np.float32), "Happy").max()
        np.float32(0.0)
    """
    if label not in runtime.labels:
        raise BadInputError(
            f"{runtime.name} has no label {label!r}.",
            f"Expected one of {', '.join(runtime.labels)}.",
            did_you_mean(label, runtime.labels, "Choose one of these."),
        )
    column = list(runtime.labels).index(label)
    whole = runtime.scores(face[None])[0, column]
    # A row at a time: a live run scores with the same network, and should not wait for all of them.
    rows = [range(row * GRID, (row + 1) * GRID) for row in range(GRID)]
    parts = [np.stack([covered(face, [patch]) for patch in row]) for row in rows]
    return whole - np.stack([runtime.scores(part)[:, column] for part in parts])


def covered(face: np.ndarray, patches: Iterable[int]) -> np.ndarray:
    """Returns a copy of a face in which patches have the face's mean value.

    Args:
        face: (size, size, channels) float32.
        patches: Their numbers, from 0 at the top left, row by row, to GRID * GRID - 1.

    Example:
        >>> face = np.arange(36, dtype=np.float32).reshape(6, 6, 1)
        >>> covered(face, [0, 35])[[0, 0, 5], [0, 1, 5], 0]
        array([17.5,  1. , 17.5], dtype=float32)
    """
    edges = np.linspace(0, len(face), GRID + 1).round().astype(int)
    result, mean = face.copy(), face.mean((0, 1))
    for row, column in (divmod(patch, GRID) for patch in patches):
        result[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = mean
    return result
