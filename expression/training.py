"""Teaches a network from a Dataset.

`train` runs the epochs, each from freshly distorted pictures, writes a checkpoint after
each and keeps the best by the validation split. `scripts/train.py` and `expression train`
call it, then `export.py`.

Notebook: 05_train
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .augmentation import Batches
from .card import Card, write_card
from .dataset import Dataset, Split
from .errors import BadInputError, OutputError, damage_told
from .image import standardise
from .network import in_float32, keras, shipped

Row = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """How a network is taught.

    Attributes:
        epochs: Times that every picture is seen.
        seed: Decides the first weights, the order and the distortions.
        batch: Pictures a step.
        rate: The highest learning rate, reached after `warm_up` epochs; it falls to 0 along a
            half cosine. https://arxiv.org/abs/1608.03983
        warm_up: Epochs in which the rate rises, while the first large steps would do harm; half
            of all epochs at most.
        decay: How much of `rate` each weight shrinks by in a step, kernels only.
        smoothing: Share of a label that is spread over all: the labels are partly wrong.
            https://arxiv.org/abs/1512.00567
    """

    epochs: int = 12
    seed: int = 0
    batch: int = 128
    rate: float = 0.1
    warm_up: float = 1.0
    decay: float = 5e-3
    smoothing: float = 0.1

    def __post_init__(self):
        right = {
            "epochs": self.epochs >= 1,
            "seed": 0 <= self.seed < 2**32,
            "batch": self.batch >= 1,
            "rate": 0 < self.rate < math.inf,
            "warm_up": 0 <= self.warm_up < math.inf,
            "decay": 0 <= self.decay < 1,
            "smoothing": 0 <= self.smoothing < 1,
        }
        wrong = [f"{name}={getattr(self, name)}" for name in right if not right[name]]
        if wrong:
            raise BadInputError(
                f"The recipe has {', '.join(wrong)}.",
                "Expected epochs, batch and rate above 0, seed and warm_up from 0, "
                "decay and smoothing from 0 to below 1.",
                "Choose others, such as those of Recipe().",
            )


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        path: The best network, a .keras file with its card.
        accuracy: Its share of right answers on the validation split, 0 to 1.
        history: One row an epoch: epoch, loss and accuracy in training, accuracy in validation.
    """

    path: Path
    accuracy: float
    history: list[Row]


def train(
    dataset: Dataset,
    out: str | Path,
    recipe: Recipe | None = None,
    build: Callable[..., keras.Model] = shipped,
    on_epoch: Callable[[Row], None] | None = None,
) -> Trained:
    """Teaches a network, or goes on where an earlier call with the same recipe stopped.

    Args:
        dataset: What to learn from; the test split is not touched.
        out: The folder that gets `expression.keras`, `history.csv`, `training.json` and the
            last checkpoint.
        recipe: How it is taught; None for the usual one.
        build: Makes the network from labels.
        on_epoch: Called with each new row of the history.

    Raises:
        BadInputError: A split is empty, or the folder holds a training with another recipe or
            other data, or a damaged one; name another folder.
        OutputError: The folder cannot be made.
    """
    recipe = recipe or Recipe()
    _check(dataset)
    run = _Run(Path(out), dataset, recipe, build, on_epoch)
    run.resume()
    done = len(run.history)
    if done < recipe.epochs:
        # Batches shuffles by itself, in a way that a training taken up again repeats.
        run.network.fit(
            run.batches, epochs=recipe.epochs, initial_epoch=done, shuffle=False, verbose=0, callbacks=[run]
        )
    best = max(row["validation"] for row in run.history)
    return Trained(run.best, best, run.history)


def _check(dataset: Dataset) -> None:
    """Raises a BadInputError unless there is something to learn from."""
    sizes = dataset.sizes
    if not (sizes["training"] and sizes["validation"]):
        raise BadInputError(
            f"There are {sizes['training']} pictures to learn from and {sizes['validation']} to choose by.",
            "Expected some of both.",
            "Check the data, or add pictures.",
        )


class _Run(keras.callbacks.Callback):
    """One training: the network and what is on disk of it. Keras calls it after every epoch."""

    def __init__(self, out: Path, dataset: Dataset, recipe: Recipe, build, on_epoch):
        super().__init__()
        keras.utils.set_random_seed(recipe.seed)
        self.out, self.dataset, self.recipe, self.on_epoch = out, dataset, recipe, on_epoch
        self.network = build(dataset.labels)
        self.history: list[Row] = []
        self.best, self.state = out / "expression.keras", out / "training.json"
        self.about = {"recipe": asdict(recipe), "labels": list(dataset.labels), "pictures": dataset.sizes}
        self.batches = Batches(dataset.training, len(dataset.labels), recipe.batch, recipe.seed)
        _compile(self.network, recipe, len(self.batches))
        self._bar = None

    def checkpoint(self) -> Path:
        """The weights and the optimizer after the last epoch of the history."""
        return self.out / f"checkpoint-{len(self.history)}.weights.h5"

    def resume(self) -> None:
        """Takes up the checkpoint, if the folder has one."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {self.out} cannot be made ({error.strerror}).",
                "Expected a place that is writable.",
                "Choose another with --out.",
            ) from error
        if not self.state.is_file():
            return
        with self._damage_told():
            state = json.loads(self.state.read_text(encoding="utf-8"))
            self.history = state.pop("history")
        for name, ours in self.about.items():
            if state.get(name) != ours:
                raise BadInputError(
                    f"{self.out} holds a training with the {name} {state.get(name)}.",
                    f"Expected {ours}, to go on with it.",
                    "Give the same again, or another --out.",
                )
        with self._damage_told():
            if not self.best.is_file():
                raise FileNotFoundError(f"{self.best.name} is gone")
            self.network.load_weights(self.checkpoint())

    def _damage_told(self) -> contextlib.AbstractContextManager:
        return damage_told(
            f"The training in {self.out} cannot be taken up",
            f"Expected {self.state.name}, {self.best.name} and the checkpoint, all whole.",
            "Remove the folder, or choose another with --out.",
        )

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        from tqdm import tqdm

        self.batches.epoch = epoch
        steps = self.params["steps"]
        self._bar = tqdm(total=steps, desc=f"epoch {epoch + 1}/{self.recipe.epochs}", disable=None)

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        row = {
            "epoch": epoch + 1,
            "loss": round(float(logs["loss"]), 4),
            "training": round(float(logs["accuracy"]), 4),
            "validation": round(accuracy(self._scores, self.dataset.validation), 4),
        }
        self.history.append(row)
        self._save(row)
        self._bar.set_postfix(row)
        self._bar.close()
        if self.on_epoch:
            self.on_epoch(row)

    def _scores(self, pictures: np.ndarray) -> np.ndarray:
        return self.network.predict(pictures, batch_size=256, verbose=0)

    def _save(self, row: Row) -> None:
        """Writes the network if it is the best so far, the history, and what a later call needs.

        `training.json` comes last and all at once: until then the one before it stands, whose
        checkpoint is still there, so a stop at any moment costs one epoch at most.
        """
        if row["validation"] >= max(old["validation"] for old in self.history):
            facts = {"accuracy_validation": row["validation"], "recipe": asdict(self.recipe)}
            size = self.network.input_shape[1]
            save(self.network, self.best, Card(self.dataset.labels, size, facts=facts))
        with (self.out / "history.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.history)
        self.network.save_weights(self.checkpoint())
        part = self.state.with_suffix(".part")
        part.write_text(json.dumps({**self.about, "history": self.history}, indent=1), encoding="utf-8")
        os.replace(part, self.state)
        for old in set(self.out.glob("checkpoint-*.weights.h5")) - {self.checkpoint()}:
            old.unlink()


def schedule(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Returns the learning rate at each step of a training: up to the recipe's, then down to 0.

    Args:
        recipe: How long and how high.
        steps: How many make an epoch.

    Example:
        >>> rate = schedule(Recipe(epochs=3, rate=0.1, warm_up=1), steps=10)
        >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 20, 30)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
    """
    rising = round(min(recipe.warm_up, recipe.epochs / 2) * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.rate,
        warmup_steps=rising,
        decay_steps=max(1, recipe.epochs * steps - rising),
    )


def _compile(network: keras.Model, recipe: Recipe, steps: int) -> None:
    """Gives a network its optimizer and loss."""
    rate = schedule(recipe, steps)
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=recipe.decay)
    # Offsets and the scales of the normalisation do not overlearn; shrinking them only slows learning.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.smoothing)
    # XLA makes these layers several times slower on processors without AMX.
    network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)


def accuracy(scores: Callable[[np.ndarray], np.ndarray], split: Split) -> float:
    """Returns the share of a split's pictures that get their highest score for the right label.

    Args:
        scores: `scores` of a runtime, or anything else from (n, size, size, 1) to (n, labels).
        split: The pictures.

    Example:
        >>> split = Split(np.zeros((2, 48, 48), np.uint8), np.array([0, 1]))
        >>> accuracy(lambda pictures: np.array([[0.9, 0.1]] * len(pictures)), split)
        0.5
    """
    return float((scores(standardise(split.pictures)).argmax(1) == split.indexes).mean())


def save(network: keras.Model, path: str | Path, card: Card) -> None:
    """Saves a network as a .keras file with its card, in float32 and without optimizer."""
    path = Path(path)
    part = path.with_name(f"part-{path.name}")
    in_float32(network).save(part)
    write_card(part, card)
    os.replace(part, path)
