"""The network of an assignment: whether it opens, how accurate it is, whether it can be fooled.

Networks of this package are opened as they are, others of Keras and TensorFlow Lite with FER2013's labels.
`audit.py` calls these functions. Each returns what it found, and raises an error for what is missing.

Notebook: 06_train
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError
from ..files import read_small
from ..labels import FER2013
from ..models import Runtime, load
from ..models.external import adopt
from ..models.metadata import has_card
from ..pictures.image import read_picture
from .layout import HACKED, INPUT, MODEL, RESULTS, TRAINED

ENDINGS = (".tflite", ".keras", ".h5", ".hdf5")
"""Formats of networks, beginning with what opens fastest."""

PICKLES = (".pkl", ".pickle", ".joblib")
"""Formats that are not opened, because a pickle can run any program."""

SCALINGS = ("0..1", "0..255", "-1..1")
"""How a network from elsewhere may want its pixels: divided by 255, as they are, or around 0."""

LEAST = 0.60
"""The accuracy on the test set that has to be exceeded."""

ACCURACY = re.compile(r"(?i)accuracy on (?:the )?test set:?\W*(\d{1,3}(?:\.\d+)?) ?%")
"""The last line of `scripts/predict.py`."""

SURE = 0.9
"""The score of Happy that the picture exceeds before it is changed."""

SLIGHT = 10.0
"""Mean change of a pixel, in grey levels, that people hardly notice."""


def network(folder: Path) -> str:
    """Whether a trained network is there and opens."""
    path = chosen(folder)
    if path.suffix in PICKLES:
        return f"{path.name}, a pickle; not opened, because a pickle can run any program"
    return opened(path).description


def chosen(folder: Path) -> Path:
    """Returns the file of the network that was built from scratch, in the format that opens fastest.

    Raises:
        MissingFileError: There is none.
    """
    place = folder / MODEL
    files = [path for path in sorted(place.glob("*")) if not path.name.endswith(".weights.h5")]
    for ending in (*ENDINGS, *PICKLES):
        fitting = [path for path in files if path.suffix == ending]
        for path in sorted(fitting, key=lambda path: path.name.startswith("pre_trained")):
            return path
    raise MissingFileError(
        f"There is no network in {place}.",
        f"Expected the trained network as {', '.join((*ENDINGS, PICKLES[0]))}, such as {TRAINED.name}.",
        "Run: python scripts/train.py, or in yours: model.save('results/model/final_emotion_model.keras')",
    )


def opened(path: Path) -> Runtime:
    """Opens a network; one from elsewhere with FER2013's labels and pixels from 0 to 1."""
    facts = path.stat()
    return _opened(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=1)
def _opened(path: Path, version: tuple[int, ...]) -> Runtime:
    """Opens a version of a file; kept, because two points of an audit ask it and Keras takes seconds."""
    if has_card(path):
        return load(path)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Path(folder, f"{path.stem}.tflite")
        adopt(path, made, ",".join(FER2013), SCALINGS[0])
        return load(made)


def recorded_accuracy(folder: Path) -> str:
    """Whether README.md or a text in results records an accuracy that is high enough."""
    expected = f"Expected the line that scripts/predict.py prints, with more than {LEAST:.0%}."
    paths = [path for path in sorted((folder / RESULTS).rglob("*")) if path.suffix in (".md", ".txt")]
    for path in [*paths, *sorted(folder.glob("*.md"))]:
        if match := ACCURACY.search(read_small(path, expected, "Save it as text.")):
            return f"{enough(match[1])}, as {path.relative_to(folder)} says; --run measures it"
    raise MissingFileError(
        "No text says how accurate the network is on the test set.",
        expected,
        "Copy the line into README.md, such as: Accuracy on test set: 62%",
    )


def enough(percent: str) -> str:
    """Returns an accuracy in percent, if it is high enough."""
    if float(percent) <= 100 * LEAST:
        raise BadInputError(
            f"The accuracy on the test set is {percent}%.",
            f"Expected more than {LEAST:.0%}.",
            "Train longer, or a larger network, and with augmentation.",
        )
    return f"{percent}%"


def hack(folder: Path) -> str:
    """Whether two pictures look the same, but the network calls one Happy and the other Sad."""
    expected = (
        "Expected a face that the network calls Happy, and the same slightly changed, which it calls Sad."
    )
    remedy = "Run: python scripts/hack_the_cnn.py"
    for path in (INPUT, HACKED):
        if not (folder / path).is_file():
            raise MissingFileError(f"There is no {folder / path}.", expected, remedy)
    faces = [read_picture(folder / path) for path in (INPUT, HACKED)]
    if faces[0].shape != faces[1].shape:
        raise BadInputError("The two pictures have different sizes.", expected, remedy)
    change = np.abs(np.int16(faces[1]) - faces[0])
    if not 0 < change.mean() <= SLIGHT:
        how = f"differ by {change.mean():.1f} grey levels on average" if change.any() else "are equal"
        raise BadInputError(f"The two pictures {how}.", expected, remedy)
    said = f"the pictures differ by {change.mean():.1f} grey levels on average, at most {change.max()}"
    return f"{_fooled(folder, faces, expected, remedy)}; {said}"


def _fooled(folder: Path, faces: list[np.ndarray], expected: str, remedy: str) -> str:
    """Returns what the network says of both faces, if it is what it should be."""
    try:
        path = chosen(folder)
    except MissingFileError:  # which a point of its own reports
        return "there is no network to test them with"
    if path.suffix in PICKLES:
        raise BadInputError(
            f"{path} is a pickle, which was not opened to test the pictures.",
            f"Expected the network also as {' or '.join(ENDINGS[:3])}.",
            "Save it with: model.save('results/model/final_emotion_model.keras')",
        )
    answers = list(_answers(opened(path), faces, foreign=not has_card(path)))
    for labels, scores in answers:
        if labels == ("Happy", "Sad") and scores[0] > SURE:
            return f"Happy {scores[0]:.0%} became Sad {scores[1]:.0%}"
    labels, scores = answers[0]
    said = " and ".join(f"{label} ({score:.0%})" for label, score in zip(labels, scores, strict=True))
    raise BadInputError(
        f"The network calls the pictures {said}.", f"{expected[:-1]}; Happy with over {SURE:.0%}.", remedy
    )


def _answers(
    runtime: Runtime, faces: list[np.ndarray], foreign: bool
) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
    """Yields the labels of the faces and their scores: as live, by each head, and in each known scaling."""
    card = runtime.card
    cards = [replace(card, preprocessing=scaling) for scaling in SCALINGS] if foreign else [card]
    for runtime.card in cards:
        for head in (None, *runtime.heads):
            scores = runtime.scores_of(faces, head)
            yield tuple(runtime.labels[index] for index in scores.argmax(1)), scores.max(1)
    runtime.card = card
