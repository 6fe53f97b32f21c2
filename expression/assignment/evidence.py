"""What an assignment shows of its training and of its faces: pictures, the history, a video.

`audit.py` calls these functions. Each returns what it found, and raises an error for what is missing.

Notebook: 06_train
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from ..errors import DAMAGE, BadInputError, MissingFileError
from ..files import read_small
from ..pictures.image import SIZE, read_picture
from ..sources.video import Video
from ..vision.detectors import Detector, make_detector
from .layout import CURVES, MODEL, PREPROCESSED, TENSORBOARD, VIDEO, found

SMALLEST = (200, 150)
"""Width and height in pixels from which the labels of a chart can be read."""

BLANK = 4.0
"""Standard deviation in grey levels below which a picture shows nothing; ours have 40 and more."""

GAP = 0.10
"""How far the accuracy in training may exceed the one in validation in the epoch that is kept."""

LATE = 10
"""Epochs after the best one until a training is stopped; the usual patience of early stopping is less."""

SECONDS, PICTURES = 20, 20
"""The length of the video, and the number of pictures that are made of it."""

FACES = 2 / 3
"""Share of the pictures in which a face has to be found.

Of 150 faces of FER2013, `has_face` finds 111; of 76 pictures without a face, none.
"""


def curves(folder: Path) -> str:
    """Whether the learning curves are a picture."""
    return _chart(folder, "*learning*curve*", CURVES, "Draw accuracy and loss of both sets with matplotlib.")


def tensorboard(folder: Path) -> str:
    """Whether the screenshot of TensorBoard is a picture."""
    remedy = "Run: tensorboard --logdir results/model, and save a screenshot of its page."
    return _chart(folder, "*tensorboard*", TENSORBOARD, remedy)


def _chart(folder: Path, pattern: str, usual: Path, remedy: str) -> str:
    """Returns the size of a picture of a chart."""
    expected = f"Expected {usual} as a picture with legible labels."
    path = found(folder / usual, f"{pattern}.[pj]*g", expected, remedy)
    picture = read_picture(path)
    height, width = picture.shape[:2]
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise BadInputError(f"{path} has only {width} x {height} pixels.", expected, remedy)
    if picture.std() < BLANK:
        raise BadInputError(f"{path} is blank.", expected, remedy)
    return f"{path.name}, {width} x {height} pixels"


def history(folder: Path) -> str:
    """Whether the history shows that training stopped before it overfitted."""
    training, validation = read_curves(folder / MODEL)
    best = int(np.argmax(validation))
    late, gap = len(validation) - 1 - best, training[best] - validation[best]
    said = (
        f"epoch {best + 1} of {len(validation)} is the best, with {training[best]:.1%} in training and "
        f"{validation[best]:.1%} in validation"
    )
    if late > LATE:
        raise BadInputError(
            f"The training went on for {late} epochs after the best: {said}.",
            f"Expected it to stop within {LATE} epochs.",
            "Stop it with keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True).",
        )
    if gap > GAP:
        raise BadInputError(
            f"The network overfits: {said}.",
            f"Expected a difference of at most {GAP:.0%}.",
            "Add dropout or augmentation, or use fewer weights, and train again.",
        )
    return said


def read_curves(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns (epochs,) accuracy in training and in validation, from the first file that has them.

    Args:
        folder: Its .csv and .json files are searched for the columns of this package's `history.csv`, or of
            Keras: accuracy and val_accuracy, or others with such names.

    Raises:
        MissingFileError: No file has them.
    """
    paths = [path for path in sorted(folder.glob("*")) if path.suffix in (".csv", ".json")]
    for path in paths:
        pair = _curves(path)
        if pair is not None:
            return pair
    raise MissingFileError(
        f"There is no history of the training in {folder}.",
        "Expected history.csv with accuracy and val_accuracy of each epoch, to prove what the curves show.",
        "Train with the callback keras.callbacks.CSVLogger('results/model/history.csv').",
    )


def _curves(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the curves in a file, or None if it is something else."""
    try:
        text = read_small(path, "", "")
        table = json.loads(text) if path.suffix == ".json" else _columns(text)
        names = _names(table)
        pair = names and tuple(np.array(list(table[name]), float) for name in names)
    except DAMAGE:
        return None
    return pair if pair and pair[0].shape == pair[1].shape and pair[0].size else None


def _columns(text: str) -> dict[str, list[str]]:
    """Returns the columns of a CSV file."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return {name: [row[number] for row in rows if row] for number, name in enumerate(header)}


def _names(table: Mapping[str, object]) -> tuple[str, str] | None:
    """Returns the names of the accuracy in training and in validation.

    Example:
        >>> _names({"loss": [], "acc": [], "val_loss": [], "val_acc": []})
        ('acc', 'val_acc')
    """
    pairs = [("training", "validation")]
    pairs += [(name.removeprefix("val_"), name) for name in table if re.match("val_.*acc", name)]
    return next((pair for pair in pairs if {*pair} <= set(table)), None)


def video(folder: Path) -> str:
    """Whether the recorded video plays for twenty seconds."""
    expected = f"Expected a video of {SECONDS} seconds that shows a face."
    remedy = f"Record yourself, and save it as {VIDEO}."
    path = found(folder / VIDEO, "input_video.*", expected, remedy)
    seconds = _length(path)
    if seconds < SECONDS - 1:
        raise BadInputError(f"{path} lasts only {seconds:.1f} seconds.", expected, remedy)
    return f"{path.name} lasts {SECONDS} seconds or more"


def _length(path: Path) -> float:
    """Returns the seconds of a video, decoded up to the length that is expected."""
    source, position = Video(path), 0.0
    source.open()
    try:
        while position < SECONDS and source.read() is not None:
            position = (source.position or 0.0) + 1 / source.fps
    finally:
        source.close()
    return position


def pictures(folder: Path) -> str:
    """Whether there are twenty pictures of a face, 48 x 48 grey levels."""
    expected = (
        f"Expected {PICTURES} or more, image0.png to image{PICTURES}.png: grey, {SIZE} x {SIZE} pixels."
    )
    remedy = "Run: python scripts/preprocess.py"
    paths = sorted((folder / PREPROCESSED).glob("image*.png"))
    if len(paths) < PICTURES:
        many = "1 picture" if len(paths) == 1 else f"{len(paths)} pictures"
        raise MissingFileError(f"There are {many} in {folder / PREPROCESSED}.", expected, remedy)
    shown = {path.name: read_picture(path) for path in paths}
    if odd := [name for name, picture in shown.items() if picture.shape[:2] != (SIZE, SIZE)]:
        raise BadInputError(f"{_some(odd)} not have {SIZE} x {SIZE} pixels.", expected, remedy)
    if odd := [name for name, picture in shown.items() if np.ptp(picture, axis=2).any()]:
        raise BadInputError(f"{_some(odd)} not contain only grey levels.", expected, remedy)
    finder = make_detector("haar")
    odd = [name for name, picture in shown.items() if not has_face(finder, picture)]
    if len(paths) - len(odd) < FACES * len(paths):
        raise BadInputError(f"{_some(odd)} not show a face that can be found.", expected, remedy)
    return f"{len(paths)} grey pictures of {SIZE} x {SIZE} pixels; a face is found in {len(paths) - len(odd)}"


def _some(names: list[str]) -> str:
    """Returns a few names as the beginning of a sentence."""
    others = f" and {len(names) - 3} others" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{others} {'does' if len(names) == 1 else 'do'}"


def has_face(finder: Detector, picture: np.ndarray) -> bool:
    """Returns whether a detector finds a face in the middle of a cropped picture.

    Args:
        finder: Finds faces that are 40 pixels wide.
        picture: (48, 48, 3) uint8 RGB; enlarged and mirrored at its edges, since detectors need a margin.
    """
    side, margin = 4 * SIZE, SIZE
    large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, *[margin] * 4, cv2.BORDER_REFLECT)
    middle, near = large.shape[0] / 2, side / 4
    for face in finder.detect(large):
        x, y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
        if face.box.width > side / 3 and max(abs(x - middle), abs(y - middle)) < near:
            return True
    return False
