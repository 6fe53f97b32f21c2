"""Where the course assignment "Emotions detector" wants its files, in the folder of a project.

The scripts read and write there, `audit.py` looks there, and docs/assignment.md describes it.

Source: https://github.com/01-edu/public/tree/master/subjects/ai/emotions-detector

Notebook: 06_train
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from ..errors import MissingFileError
from ..training import adversarial

DATA, RESULTS = Path("data"), Path("results")
MODEL = RESULTS / "model"
TRAINED = MODEL / "expression.tflite"
"""Where `scripts/train.py` saves its network; the others use it."""

ARCHITECTURE = MODEL / "final_emotion_model_arch.txt"
CURVES = MODEL / "learning_curves.png"
TENSORBOARD = MODEL / "tensorboard.png"

PREPROCESSED = RESULTS / "preprocessing_test"
VIDEO = PREPROCESSED / "input_video.mp4"

HACK = RESULTS / "hack_cnn"
INPUT, HACKED = HACK / adversarial.INPUT, HACK / adversarial.HACKED

SCRIPTS = tuple(
    Path("scripts", f"{name}.py")
    for name in ("train", "predict", "preprocess", "predict_live_stream", "hack_the_cnn")
)


def trained() -> Path | None:
    """Returns the network that was trained in the current folder; None for the one of the package."""
    return TRAINED if TRAINED.is_file() else None


def found(usual: Path, pattern: str, expected: str, remedy: str) -> Path:
    """Returns the first file in a folder whose name matches a pattern.

    Args:
        usual: Its usual name in that folder, which is named if there is none.
        pattern: What its name is like, in small letters; capitals do not matter.
        expected: What was expected of it, for the error.
        remedy: What to do if there is none.

    Raises:
        MissingFileError: There is none.
    """
    files = sorted(usual.parent.iterdir()) if usual.parent.is_dir() else []
    for path in files:
        if fnmatch(path.name.casefold(), pattern) and path.is_file():
            return path
    raise MissingFileError(f"There is no {usual}.", expected, remedy)
