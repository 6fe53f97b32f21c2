"""An audit: what a course assignment asks for, point by point, and what is missing.

    for check in audit(Path()):
        print(check.name, check.ok, check.found, check.remedy)

The points are those of the audit of "Emotions detector" as far as a program can judge them. `expression
audit` prints them.

Source: https://github.com/01-edu/public/blob/master/subjects/ai/emotions-detector/audit/README.md

Notebook: 06_train
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..checks import Check, guard
from ..datasets.fer2013 import TEST_WITH_LABELS, in_folder
from ..errors import BadInputError, MissingFileError
from ..files import is_housekeeping
from . import evidence, network, running, texts
from .layout import DATA, SCRIPTS

COMPLETE = (
    "Complete, as far as a program can tell. People still have to judge whether the network was trained "
    "on the training set only, and whether the texts and pictures are convincing."
)
"""The conclusion if nothing is missing."""

Point = Callable[[Path], str]
"""Returns what it found in a project's folder, and raises an ExpressionError for what is missing."""

POINTS: dict[str, Point] = {
    **{path.name: partial(texts.script, path) for path in SCRIPTS},
    "preprocess.py": partial(texts.detector, SCRIPTS[2]),
    "README": texts.readme,
    "Environment": texts.environment,
    "Architecture": texts.architecture,
    "Network": network.network,
    "Accuracy": network.recorded_accuracy,
    "Learning curves": evidence.curves,
    "Overfitting": evidence.history,
    "TensorBoard": evidence.tensorboard,
    "Video": evidence.video,
    "Pictures": evidence.pictures,
    "Hacked picture": network.hack,
}

RUNNING: dict[str, Point] = {"Accuracy": running.accuracy, "Live stream": running.live_stream}
"""Points for which scripts are run."""


def audit(folder: Path, run: bool = False) -> Iterator[Check]:
    """Yields a check for each point, one after the other, since some take seconds.

    Args:
        folder: The folder of the project.
        run: Run the scripts `predict.py` and `predict_live_stream.py` instead of believing what is recorded.

    Raises:
        MissingFileError: There is no such folder.
    """
    if not folder.is_dir():
        raise MissingFileError(
            f"There is no folder {folder}.", "Expected the folder of a project.", "Check the name."
        )
    yield from guard("Data", partial(_data, folder))
    for name, point in {**POINTS, **(RUNNING if run else {})}.items():
        yield from guard(name, partial(_check, name, point, folder))


def _check(name: str, point: Point, folder: Path) -> list[Check]:
    """Returns a point that is there."""
    return [Check(name, True, point(folder))]


def _data(folder: Path) -> list[Check]:
    """Returns whether the data can be used; a repository does not contain them."""
    place = folder / DATA
    names = [path.name for path in place.glob("*") if not is_housekeeping(path.name)]
    wanted = f"{place / 'train.csv'} and {place / TEST_WITH_LABELS}"
    if not names:
        return [Check("Data", None, "not here, only needed to run the scripts", f"Put {wanted} there.")]
    table = in_folder(place) or in_folder(place, packed=True)
    if table is None:
        raise BadInputError(
            f"No file in {place} is a table of faces.", f"Expected {wanted}.", "Unpack the data there."
        )
    return [Check("Data", True, f"{table.name}, {len(names)} files")]
