"""Adversarial examples: the smallest changes of a face that make a network read it as another label.

    hacked = hack(LiveNetwork(), face, "Sad")
    hacked.write(Path("results/hack_cnn"))

All changes are whole grey levels, so nothing is lost when a picture is saved with 8 bits. Whether a change is
enough is decided by the network as a live run uses it. `expression hack`, `scripts/hack_the_cnn.py` and
`benchmarks/hack.py` call it.

Sources: Goodfellow et al., Explaining and Harnessing Adversarial Examples, 2014,
https://arxiv.org/abs/1412.6572; Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks,
2017, https://arxiv.org/abs/1706.06083

Notebook: 14_fool_it
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..datasets.synonyms import label_meant
from ..errors import BadInputError, RunError, did_you_mean, missing_package
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error, write_text
from ..labels import Labels
from ..pictures.image import write_picture
from ..sanitize import counted
from ..vision.smoothing import best_label

LEVELS = 8
"""The largest change of a pixel that is tried, in grey levels of 255, unless another is asked for."""

STEPS = 20
"""Steps of an iterated attack with one bound."""

LEAD = 0.05
"""How far the new label's score must exceed all others, since processors round differently."""

INPUT, HACKED, DIFFERENCE, SCORES = "input_image.png", "hacked_image.png", "difference.png", "scores.txt"
"""The files that `Hacked.write` writes."""


class Network(Protocol):
    """What an attack needs to know of a network; faces are as `Runtime.cut` returns them."""

    labels: Labels
    threshold: float

    def scores(self, face: np.ndarray) -> np.ndarray:
        """Returns the (labels,) scores of a face, 0 to 1."""

    def gradient(self, face: np.ndarray, label: int) -> np.ndarray:
        """Returns how much the lead of a label grows with each pixel, in the shape of the face."""


@dataclass(frozen=True, eq=False)
class Hacked:
    """A face before and after.

    Attributes:
        labels: The labels of the scores.
        target: The label that it was to be read as.
        face: The face, (size, size) or (size, size, 3) uint8.
        hacked: The changed face.
        before: Its (labels,) scores before.
        after: Its (labels,) scores afterwards.
    """

    labels: Labels
    target: str
    face: np.ndarray
    hacked: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """How much brighter each pixel became, in grey levels, int16."""
        return np.int16(self.hacked) - self.face

    @property
    def largest(self) -> int:
        """The largest change of a pixel, in grey levels."""
        return int(np.abs(self.change).max())

    @property
    def mean(self) -> float:
        """The mean change of a pixel, in grey levels, of all pixels."""
        return float(np.abs(self.change).mean())

    @property
    def similarity(self) -> float:
        """The structural similarity of both faces; 1 if they are equal.

        Raises:
            MissingPackageError: scikit-image is not installed.

        Source: Wang et al., Image Quality Assessment, 2004, https://doi.org/10.1109/TIP.2003.819861
        """
        try:
            from skimage.metrics import structural_similarity
        except ImportError as error:
            raise missing_package("Comparing two pictures", "scikit-image", "lessons") from error
        axis = None if self.face.ndim == 2 else -1
        return float(structural_similarity(self.face, self.hacked, data_range=255, channel_axis=axis))

    @property
    def difference(self) -> np.ndarray:
        """The change, amplified until it is visible: grey where nothing changed, uint8."""
        return np.uint8(128 + self.change * self._factor)

    @property
    def _factor(self) -> int:
        """By how much the difference is amplified."""
        return 127 // max(1, self.largest)

    @property
    def summary(self) -> str:
        """Both labels and the size of the change, in a sentence."""
        old, new = (f"{self.labels[row.argmax()]} {row.max():.0%}" for row in (self.before, self.after))
        return f"{old} became {new} with changes of at most {counted(self.largest, 'grey level')}."

    @property
    def text(self) -> str:
        """The scores before and after, and the size of the change, as lines of a table."""
        width = max(map(len, self.labels))
        rows = [f"{'':{width}}  before   after"]
        for label, before, after in zip(self.labels, self.before, self.after, strict=True):
            rows.append(f"{label:{width}}  {before:6.1%}  {after:6.1%}")
        return "\n".join(
            [
                *rows,
                "",
                f"Largest change of a pixel: {self.largest} of 255 grey levels",
                f"Mean change of a pixel: {self.mean:.2f} grey levels",
                f"Structural similarity: {self.similarity:.4f}",
                f"In {DIFFERENCE} the change is {self._factor} times as large.",
                "",
            ]
        )

    def write(self, folder: Path) -> None:
        """Writes both faces, their difference and the text into a folder, which is created if necessary.

        Raises:
            OutputError: They cannot be written.
        """
        text = self.text
        with as_output_error(folder):
            folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        pictures = {INPUT: self.face, HACKED: self.hacked, DIFFERENCE: self.difference}
        for name, picture in pictures.items():
            write_picture(folder / name, picture)
        write_text(folder / SCORES, text, PRIVATE)


def hack(network: Network, face: np.ndarray, to: str, levels: int = LEVELS) -> Hacked:
    """Changes a face as little as possible, so that a live run reads it as another label.

    Args:
        network: The network to fool.
        face: (size, size) or (size, size, 3) uint8, as `Runtime.cut` returns it.
        to: The label; a common synonym will do.
        levels: The largest change of a pixel, in grey levels.

    Raises:
        BadInputError: There is no such label, or the face is read as it already.
        RunError: No such change was found.
    """
    target = label_meant(to, network.labels)
    if target is None:
        raise BadInputError(
            f"--to is {to!r}.",
            f"Expected one of {', '.join(network.labels)}.",
            did_you_mean(to, network.labels, "Choose one of them."),
        )
    before = network.scores(face)
    if said(network, before) == target:
        others = [label for label in network.labels if label != target]
        raise BadInputError(
            f"The face is already read as {target} ({before.max():.0%}).",
            "Expected another label to change it to.",
            f"Choose one, such as --to {others[0]}.",
        )
    hacked = least_change(network, face, network.labels.index(target), levels)
    if hacked is None:
        raise RunError(
            f"No change of at most {counted(levels, 'grey level')} was found that makes the face {target}.",
            "Expected one that is too small to see.",
            f"Allow more with --levels {min(255, 2 * levels)}, or choose another label or picture.",
        )
    return Hacked(network.labels, target, face, hacked, before, network.scores(hacked))


def said(network: Network, scores: np.ndarray) -> str:
    """Returns the label that a live run gives a still face with these scores, or "not sure"."""
    return best_label(network.labels, scores, network.threshold)


def fgsm(network: Network, face: np.ndarray, label: int, levels: int) -> np.ndarray:
    """Returns a face after one step: every pixel a few levels brighter or darker, as the gradient says.

    Args:
        network: The network to fool.
        face: As for `hack`.
        label: The index of the label to favour.
        levels: By how much each pixel changes, in grey levels.
    """
    return next(steps(network, face, label, levels, levels))


def pgd(network: Network, face: np.ndarray, label: int, levels: int, count: int = STEPS) -> np.ndarray:
    """Returns a face after many small steps, each with a new gradient (projected gradient descent).

    Args:
        network: As for `fgsm`.
        face: As for `fgsm`.
        label: As for `fgsm`.
        levels: The largest change of a pixel, in grey levels.
        count: Number of steps.
    """
    for _, changed in zip(range(count), steps(network, face, label, levels), strict=False):
        face = changed
    return face


def steps(
    network: Network, face: np.ndarray, label: int, levels: int, step: int | None = None
) -> Iterator[np.ndarray]:
    """Yields the face after each step of an attack, without end.

    Args:
        network: As for `fgsm`.
        face: As for `fgsm`.
        label: As for `fgsm`.
        levels: The largest change of a pixel, in grey levels.
        step: The change of a pixel in one step; None for a quarter of `levels`.
    """
    step = step or max(1, levels // 4)
    lowest, highest = (np.clip(np.int16(face) + by, 0, 255) for by in (-levels, levels))
    while True:
        uphill = np.sign(network.gradient(face, label)).astype(np.int16)
        face = np.clip(face + step * uphill, lowest, highest).astype(np.uint8)
        yield face


def least_change(
    network: Network, face: np.ndarray, label: int, levels: int = LEVELS, count: int = STEPS
) -> np.ndarray | None:
    """Returns the least changed face that is read as a label, or None if none was found.

    First the largest change of a pixel is made as small as possible: 1 grey level is tried, then 2 and so on,
    with an iterated attack. Then the pixels that contribute least get their old values back.

    Args:
        network: The network to fool.
        face: As for `hack`.
        label: The index of the label.
        levels: The largest change to try, in grey levels.
        count: Number of steps for each.
    """
    for bound in range(1, levels + 1):
        for _, changed in zip(range(count), steps(network, face, label, bound), strict=False):
            if _reads(network, changed, label):
                return _thinned(network, face, changed, label)
    return None


def _thinned(network: Network, face: np.ndarray, changed: np.ndarray, label: int) -> np.ndarray:
    """Returns the face with as few of the changed pixels as are needed, found by halving."""
    change = np.int16(changed) - face
    gains = (change * network.gradient(face, label)).ravel()
    order = np.argsort(-gains, kind="stable")  # what raises the score most comes first
    few, enough = 0, change.size
    while enough - few > 1:
        middle = (few + enough) // 2
        kept = np.zeros(change.size, bool)
        kept[order[:middle]] = True
        fewer = np.uint8(face + np.where(kept.reshape(change.shape), change, 0))
        if _reads(network, fewer, label):
            enough, changed = middle, fewer
        else:
            few = middle
    return changed


def _reads(network: Network, face: np.ndarray, label: int) -> bool:
    """Whether a live run reads a face as a label, on any processor."""
    scores = network.scores(face)
    others = np.delete(scores, label).max()
    return bool(scores[label] >= max(network.threshold, others + LEAD))
