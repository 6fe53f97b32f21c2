"""The facts found in the file of an imported network, and the card made from them and a few options.

`external.py` fills it in for .tflite files, `external_keras.py` for Keras's and TensorFlow's.

Notebook: 06_train
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInputError
from ..labels import FER2013, Labels
from ..pictures.scaling import COLOURS, FORMS, Wanted, is_scaling, read_input
from .metadata import ONE_HEAD, Card, is_name
from .shapes import FaceShape


@dataclass(frozen=True)
class Found:
    """The facts in a network's file.

    Attributes:
        path: The file or folder.
        shape: The shape of its input for one face.
        outputs: The name of each output, and its number of values.
        scaling: A likely scaling, for the example of a command.
        names: Likely labels, for the same example.
        out: The file to be written, for the same example.
    """

    path: Path
    shape: FaceShape
    outputs: Sequence[tuple[str, int]]
    out: str
    scaling: str = "0..1"
    names: Sequence[str] = ()

    def card(self, labels: str | None, text: str | None) -> Card:
        """Returns the card of a network, treating its outputs as scores until it has been tried.

        Args:
            labels: The names of its labels, in order, separated by commas.
            text: The value of `--input`.

        Raises:
            BadInputError: Something is missing or does not fit; the message has a command that works.
        """
        wanted = read_input(text) if text else Wanted()
        self._check(wanted)
        if not (labels and wanted.scaling and (self.shape.size or wanted.size)):
            raise self._incomplete(labels, wanted)
        names = _read_labels(labels)
        heads, answers = self._heads(names)
        size, facts = self.shape.size or wanted.size, {"imported_from": self.path.name}
        return Card(names, size, wanted.scaling, heads, facts, self._colour(wanted), answers)

    def _colour(self, wanted: Wanted) -> str:
        """Returns the colour of the input as it is written in a card."""
        three = self.shape.channels == 3 or (self.shape.channels is None and wanted.colour in ("rgb", "bgr"))
        return {"grey": "grey3", None: "rgb"}.get(wanted.colour, wanted.colour) if three else "grey"

    def _check(self, wanted: Wanted) -> None:
        """Raises a BadInputError if `--input` contradicts the file."""
        size, channels = self.shape.size, self.shape.channels
        if size and wanted.size not in (None, size):
            raise self._contradicted(
                f"--input says {wanted.size} pixels on a side, but {self.path} has {size}"
            )
        if channels == 1 and wanted.colour not in (None, "grey"):
            raise self._contradicted(f"--input says {wanted.colour}, but {self.path} takes grey pictures")
        if wanted.scaling and not is_scaling(wanted.scaling, COLOURS[self._colour(wanted)]):
            raise self._contradicted("--input scales three colours, but the pictures are grey")

    def _heads(self, labels: Labels) -> tuple[tuple[str, ...], str]:
        """Returns the names of the outputs that match the labels, and what their numbers may be."""
        fits = [name for name, size in self.outputs if size == len(labels)]
        alone = [name for name, size in self.outputs if size == 1] if len(labels) == 2 else []
        if not (fits or alone):
            sizes = " or ".join(str(size) for _, size in self.outputs)
            raise self._contradicted(
                f"--labels has {len(labels)} names, but {self.path} returns {sizes} numbers"
            )
        names = fits or alone
        shown = len(set(names)) == len(names) and all(map(is_name, names))
        heads = names if shown else [f"output {number}" for number in range(1, len(names) + 1)]
        return ONE_HEAD if len(names) == 1 else tuple(heads), "scores" if fits else "chance"

    @property
    def told(self) -> str:
        """A short description of what is known."""
        size = f"{self.shape.size} x {self.shape.size} pixels" if self.shape.size else "pictures of any size"
        colour = {1: "grey", 3: "in colour"}.get(self.shape.channels, "grey or in colour")
        answers = " and ".join(str(size) for _, size in self.outputs)
        return f"{size}, {colour}, with {answers} numbers as output"

    def _contradicted(self, happened: str) -> BadInputError:
        return BadInputError(
            f"{happened}.",
            f"Expected what the network takes and returns: {self.told}.",
            "List each label once, in the order of the numbers, and leave what the file says out of --input.",
        )

    def _incomplete(self, labels: str | None, wanted: Wanted) -> BadInputError:
        """Returns the error for a network about which something is missing, with a command that works."""
        missing = [] if labels else ["which labels its numbers stand for"]
        missing += [] if wanted.scaling else ["how its pixels are scaled"]
        missing += [] if self.shape.size or wanted.size else ["how many pixels it takes"]
        words = [] if self.shape.size else [str(wanted.size or 48)]
        words += [self._colour(wanted).removesuffix("3")] if self.shape.channels != 1 else []
        given = {
            "--model": str(self.path),
            "--labels": labels or ",".join(self._example_labels()),
            "--input": ",".join([*words, wanted.scaling or self.scaling]),
            "--out": self.out,
        }
        command = command_line(["expression", "export", *(word for pair in given.items() for word in pair)])
        return BadInputError(
            f"{self.path} does not say {' and '.join(missing)}.",
            "Expected this to be given once: expression export writes --labels and --input into a copy. "
            f"The file says: {self.told}.",
            f"Put your labels and one of {FORMS} into this command, and use the file it writes: {command}",
        )

    def _example_labels(self) -> Sequence[str]:
        """Returns a name for each value of the largest output."""
        count = max([2, *(size for _, size in self.outputs)])
        usual = [*FER2013, "Contempt"][:count] if count in (7, 8) else []
        return self.names or usual or [f"label{number}" for number in range(1, min(count, 1000) + 1)]


def command_line(words: Sequence[str]) -> str:
    """Returns a command in a form that can be pasted into a terminal of this system."""
    return shlex.join(words) if os.name == "posix" else subprocess.list2cmdline(words)


def _read_labels(text: str) -> Labels:
    """Returns the labels of `--labels`."""
    try:
        return Labels(text.split(","))
    except BadInputError as error:
        raise BadInputError(
            f"--labels: {error.happened}", error.expected, "For example: --labels Angry,Happy,Neutral"
        ) from error
