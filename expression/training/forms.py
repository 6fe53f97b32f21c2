"""Compares the forms that `expression export` can write: size, accuracy, and time for a face.

`expression evaluate --compare` prints the table; the latest one is in results/README.md.

Notebook: 15_small_and_fast
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..models import Runtime, load
from ..models.export import QUANTIZE, export
from .evaluation import Evaluation, milliseconds

ORIGINAL = ".keras"
"""The name of the network before it is exported."""

ROUNDS = 3
"""How often the time is measured, all forms in turn, so that other load affects all of them."""


@dataclass(frozen=True, eq=False)
class Form:
    """A network in one form.

    Attributes:
        name: One of `export.QUANTIZE`, or `ORIGINAL`.
        megabytes: The size of its file.
        evaluation: How well it does.
        same: The share of pictures for which it predicts the same label as the original.
        milliseconds: The time for a face, one at a time in one thread.
    """

    name: str
    megabytes: float
    evaluation: Evaluation
    same: float
    milliseconds: float

    def to_json(self) -> dict:
        """Returns plain values, those of the evaluation among them."""
        return {
            **self.evaluation.to_json(),
            "megabytes": round(self.megabytes, 3),
            "same": round(self.same, 4),
            "milliseconds_per_face": round(self.milliseconds, 3),
        }


def compare(original: Runtime, pictures: np.ndarray, evaluate: Callable[[Runtime], Evaluation]) -> list[Form]:
    """Exports a network in each form, evaluates all of them, and measures their time.

    Args:
        original: A .keras network.
        pictures: (n, 48, 48) uint8, the faces for the measurement of time, at least one.
        evaluate: Evaluates one network, on the same pictures for each.

    Returns:
        The original, and each form in the order of `export.QUANTIZE`.

    Raises:
        ExpressionError: As `export` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        runtimes = {ORIGINAL: original}
        for name in tqdm(QUANTIZE, desc="export", leave=False, disable=None):
            path = Path(folder, f"{name}.tflite")
            export(original.path, path, name)
            runtimes[name] = load(path)
        sizes = {name: runtime.path.stat().st_size / 1e6 for name, runtime in runtimes.items()}
        names = tqdm(runtimes, desc="evaluate", leave=False, disable=None)
        found = {name: evaluate(runtimes[name]) for name in names}
        rounds = tqdm(range(ROUNDS), desc="time", leave=False, disable=None)
        times = [[milliseconds(runtime, pictures) for runtime in runtimes.values()] for _ in rounds]
    labels = {name: evaluation.scores.argmax(1) for name, evaluation in found.items()}
    same = {name: float((of == labels[ORIGINAL]).mean()) for name, of in labels.items()}
    taken = dict(zip(runtimes, map(statistics.median, zip(*times, strict=True)), strict=True))
    return [Form(name, sizes[name], found[name], same[name], taken[name]) for name in runtimes]


def table(forms: Sequence[Form]) -> str:
    """Returns the forms as a table for the terminal."""
    rows = [f"{'--quantize':10}      MB  accuracy  same label  ms per face"]
    for form in forms:
        figures = f"{form.megabytes:6.2f}  {form.evaluation.accuracy:8.1%}  {form.same:10.1%}"
        rows.append(f"{form.name:10}  {figures}  {form.milliseconds:11.2f}")
    return "\n".join(rows)
