"""Reads the data that `expression train`, `evaluate` and `export` are given; `training.py` calls it.

Notebook: 06_train
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import BadInputError, MissingFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from ..datasets.dataset import Dataset
    from ..labels import Labels


def print_report(dataset: Dataset) -> None:
    """Prints how the data were read, what was left out, and what is wrong with them."""
    from ..datasets.inspection import report

    for line in report(dataset):
        print(line, flush=True)


def labels_of(text: str | None) -> Labels | None:
    """Returns the labels that a user named, separated by commas."""
    from ..datasets.synonyms import canonical
    from ..labels import folded_label

    if not text:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(map(folded_label, names))) < 2:
        raise BadInputError(
            f"--labels is {text!r}.",
            "Expected two or more labels, separated by commas.",
            "Try --labels Happy,Sad,Neutral.",
        )
    return canonical(dict.fromkeys(names))


def read_faces(
    data: str | None,
    detector: str | None = None,
    labels: Labels | None = None,
    also: Sequence[str] = (),
    cut: Callable[..., np.ndarray] | None = None,
) -> Dataset:
    """Reads data, None for FER2013 in its usual places; with a detector, the faces in the pictures."""
    from ..datasets.dataset import read
    from ..datasets.fer2013 import find_fer2013
    from ..pictures.image import face_pixels
    from ..vision.detectors import FaceCutter, make_detector

    path = data or find_fer2013()
    if path is None:
        named = os.environ.get("EXPRESSION_DATA")
        raise MissingFileError(
            f"FER2013 was not found {'at ' + named if named else 'in this folder'}.",
            "Expected fer2013.csv, a folder fer2013, or other data named with --data.",
            "Name it with --data, or download it from the Kaggle challenge of 2013.",
        )
    if not data:
        print(f"Data: {path.absolute()}", flush=True)
    cutter = FaceCutter(make_detector(detector) if detector else None, cut or face_pixels)
    dataset = read(path, labels, cutter, also)
    if detector and not cutter.pictures:
        raise BadInputError(
            f"--detector is given, but the faces in {path} are already cropped.",
            "Expected it only with folders of pictures.",
            "Leave it out.",
        )
    if detector and cutter.missed:
        print(f"No face was found in {cutter.missed} of {cutter.pictures} pictures; they are used whole.")
    elif not detector and cutter.photos:
        print(f"{cutter.photos} of {cutter.pictures} pictures are as large as photos. Try --detector auto.")
    return dataset


def sample_faces(data: str) -> Any:
    """Returns up to 300 training faces, evenly chosen: (n, 48, 48) uint8."""
    import numpy as np

    pictures = read_faces(data).divided().training.pictures
    if not len(pictures):
        happened = f"{data} has no pictures for training."
        raise BadInputError(happened, "Expected some, to measure ranges with.", "Choose other data.")
    return pictures[np.linspace(0, len(pictures) - 1, min(300, len(pictures))).astype(int)]
