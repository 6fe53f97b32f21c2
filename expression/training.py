"""Teaches a network from a Dataset.

`train` runs the epochs, each from freshly distorted pictures, writes a checkpoint after
each and keeps the best by the validation split. `expression train` calls it, then `export.py`.

Notebook: 05_train
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import numpy as np

from .augmentation import Batches, Lessons
from .calibration import temperature
from .card import Card, write_card
from .dataset import Dataset, Split
from .errors import BadInputError, OutputError, damage_told
from .image import SIZE, standardise
from .labels import Labels
from .network import builder, keras, resized, temper
from .recipe import Recipe
from .runtime import load
from .votes import soft_labels

Row = dict[str, float]
SETTLING = 20
"""Batches from which the averages of the normalisations are taken anew for averaged weights."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        path: The best network, a .keras file with its card.
        accuracy: Its share of right answers on the validation split, 0 to 1.
        history: One row an epoch: epoch, size, seconds, loss and accuracy in training, accuracy in
            validation, by the data's labels and, where there are votes, by those.
    """

    path: Path
    accuracy: float
    history: list[Row]


def train(
    dataset: Dataset,
    out: str | Path,
    recipe: Recipe | None = None,
    start: str | Path | None = None,
    teachers: Sequence[str | Path] = (),
    on_epoch: Callable[[Row], None] | None = None,
) -> Trained:
    """Teaches a network, or goes on where an earlier call with the same recipe stopped.

    Args:
        dataset: What to learn from; the test split is not touched.
        out: The folder that gets `expression.keras`, `history.csv`, `training.json`, TensorBoard's
            files and the last checkpoint.
        recipe: How it is taught; None for the usual one.
        start: A .keras file with the same network, to begin with its weights.
        teachers: Networks, .tflite or .keras, whose answers are learned too.
        on_epoch: Called with each new row of the history.

    Raises:
        BadInputError: A split is empty, or the folder holds a training with another recipe or
            other data, or a damaged one; name another folder. Or `start` is another network.
        OutputError: The folder cannot be made, or is full.
    """
    recipe = recipe or Recipe()
    _check(dataset)
    run = _Run(Path(out), dataset, recipe, start, teachers, on_epoch)
    run.resume()
    run.follow()
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


def lessons(split: Split, labels: Labels, smoothing: float = 0.0, balance: float = 0.0) -> Lessons:
    """Returns what a split teaches: one head for its labels, and one for its votes if it has some.

    Args:
        split: The pictures.
        labels: What there is to tell apart.
        smoothing: Share of a label that is spread over all.
        balance: How much more rare labels count, 0 to 1.

    Example:
        >>> split = Split(np.zeros((2, 48, 48), np.uint8), np.array([0, 1]))
        >>> lessons(split, Labels(["Happy", "Sad"]), smoothing=0.1).targets[0]
        array([[0.95, 0.05]], dtype=float32)
    """
    given = np.eye(len(labels), dtype=np.float32)[split.indexes] * (1 - smoothing) + smoothing / len(labels)
    counts = np.maximum(np.bincount(split.indexes, minlength=len(labels)), 1)
    rarity = (counts.max() / counts)[split.indexes] ** balance
    weights = [rarity / rarity.mean() if len(rarity) else rarity]
    targets = [given]
    if split.votes is not None:
        targets.append(soft_labels(split.votes, labels))
        weights.append(targets[1].sum(1))
    # Keras takes the mean over the heads; each is to count as if it were alone.
    answers = np.stack(weights, 1).astype(np.float32) * len(targets)
    return Lessons(split.pictures, np.stack(targets, 1).astype(np.float32), answers)


class _Run(keras.callbacks.Callback):
    """One training: the network and what is on disk of it. Keras calls it after every epoch."""

    def __init__(self, out: Path, dataset: Dataset, recipe: Recipe, start, teachers, on_epoch):
        super().__init__()
        keras.utils.set_random_seed(recipe.seed)
        self.out, self.dataset, self.recipe, self.on_epoch = out, dataset, recipe, on_epoch
        self.heads = 1 if dataset.training.votes is None else 2
        self.checks = lessons(dataset.validation, dataset.labels)
        self.network = _build(recipe, dataset.labels, self.heads)
        if start:
            _begin_with(self.network, Path(start))
        self.history: list[Row] = []
        self.best, self.state = out / "expression.keras", out / "training.json"
        self.about = {
            "recipe": asdict(recipe),
            "labels": list(dataset.labels),
            "pictures": dataset.sizes,
            "start": start and _print(start),
            "teachers": [_print(teacher) for teacher in teachers],
        }
        self.batches = Batches(
            lessons(dataset.training, dataset.labels, recipe.smoothing, recipe.balance),
            recipe.batch,
            recipe.seed,
            erasing=recipe.erasing,
            mixup=recipe.mixup,
            teachers=tuple(load(teacher).all_scores for teacher in teachers),
            share=recipe.share,
        )
        _compile(self.network, recipe, len(self.batches))

    def checkpoint(self) -> Path:
        """The weights and the optimizer after the last epoch of the history."""
        return self.out / f"checkpoint-{len(self.history)}.weights.h5"

    def resume(self) -> None:
        """Takes up the checkpoint, if the folder has one."""
        with _full_told(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
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

    def follow(self) -> None:
        """Runs the epochs that are left, those with pictures of one size together."""
        left = range(len(self.history), self.recipe.epochs)
        for size, group in groupby(left, self.recipe.size):
            epochs = list(group)
            self.batches.size = size
            if not self._is_hopeless():
                # Batches shuffles by itself, in a way that a training taken up again repeats.
                self.network.fit(
                    self.batches,
                    epochs=epochs[-1] + 1,
                    initial_epoch=epochs[0],
                    shuffle=False,
                    verbose=0,
                    callbacks=[self, *_tensorboard(self.out)],
                )
                # At the end of `fit` Keras leaves the averages in the network.
                self.network.set_weights(self._weights)

    def _damage_told(self) -> contextlib.AbstractContextManager:
        return damage_told(
            f"The training in {self.out} cannot be taken up",
            f"Expected {self.state.name}, {self.best.name} and the checkpoint, all whole.",
            "Remove the folder, or choose another with --out.",
        )

    def _is_hopeless(self) -> bool:
        """Says whether the best epoch is longer ago than the recipe's patience."""
        found = [row["validation"] for row in self.history]
        return (
            bool(self.recipe.patience)
            and len(found) - 1 - int(np.argmax(found or [0])) >= self.recipe.patience
        )

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        from tqdm import tqdm

        self.batches.epoch, self._began = epoch, time.perf_counter()
        steps = self.params["steps"]
        self._bar = tqdm(total=steps, desc=f"epoch {epoch + 1}/{self.recipe.epochs}", disable=None)

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        row = {
            "epoch": epoch + 1,
            "size": self.batches.size,
            "seconds": round(time.perf_counter() - self._began, 1),
            "loss": round(float(logs["loss"]), 4),
            "training": round(float(logs["accuracy"]), 4),
        }
        self._weights = self.network.get_weights()
        with _full_told(self.out):
            self.network.save_weights(self.out / f"checkpoint-{epoch + 1}.weights.h5")
            averaged = self._averaged()
            scores = averaged.predict(
                standardise(self.dataset.validation.pictures), batch_size=256, verbose=0
            )
            row |= _found(scores, self.checks)
            self.history.append(row)
            self._save(row, averaged, scores)
        self.network.set_weights(self._weights)
        logs |= {name: value for name, value in row.items() if name.startswith("validation")}
        self._bar.set_postfix(row)
        self._bar.close()
        if self.on_epoch:
            self.on_epoch(row)
        self.network.stop_training = self._is_hopeless()

    def _averaged(self) -> keras.Model:
        """Returns the network with averaged weights, for whole pictures."""
        self.network.optimizer.finalize_variable_values(self.network.trainable_variables)
        _settle(self.network, self.batches)
        return resized(self.network, SIZE)

    def _save(self, row: Row, averaged: keras.Model, scores: np.ndarray) -> None:
        """Writes the network if it is the best so far, the history, and what a later call needs.

        `training.json` comes last and all at once: until then the one before it stands, whose
        checkpoint is still there, so a stop at any moment costs one epoch at most.
        """
        if row["validation"] >= max(old["validation"] for old in self.history):
            heads = range(self.heads)
            temperatures = [temperature(scores[:, head], self.checks.targets[:, head]) for head in heads]
            temper(averaged, temperatures)
            facts = {**row, "heads": HEADS[: self.heads], "recipe": asdict(self.recipe)}
            save(averaged, self.best, Card(self.dataset.labels, SIZE, facts=facts))
        with (self.out / "history.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.history)
        part = self.state.with_suffix(".part")
        part.write_text(json.dumps({**self.about, "history": self.history}, indent=1), encoding="utf-8")
        os.replace(part, self.state)
        for old in set(self.out.glob("checkpoint-*.weights.h5")) - {self.checkpoint()}:
            old.unlink()


HEADS = ["fer2013", "ferplus"]


def _build(recipe: Recipe, labels: Labels, heads: int) -> keras.Model:
    """Returns a network with random weights, for pictures of every size that the recipe has."""
    if not recipe.mixed:
        return builder(recipe.network)(labels, heads, None if recipe.growing else SIZE)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return builder(recipe.network)(labels, heads, None if recipe.growing else SIZE)
    finally:
        keras.config.set_dtype_policy(before)


def _begin_with(network: keras.Model, path: Path) -> None:
    """Copies the weights of a saved network."""
    wrong = BadInputError(
        f"{path} does not fit the network that is to be trained.",
        "Expected a .keras file with the same layers, labels and heads.",
        "Train it without --start, or with the --network of that file.",
    )
    with damage_told(f"{path} cannot be read", "Expected a .keras file that is whole.", "Fetch it again."):
        weights = keras.models.load_model(path, compile=False).get_weights()
    if [w.shape for w in weights] != [w.shape for w in network.get_weights()]:
        raise wrong
    network.set_weights(weights)


def _print(path: str | Path) -> str:
    """Returns a file's name with the first figures of its SHA-256."""
    return f"{Path(path).name} {sha256(Path(path).read_bytes()).hexdigest()[:12]}"


def _compile(network: keras.Model, recipe: Recipe, steps: int) -> None:
    """Gives a network its optimizer and loss."""
    optimizer = keras.optimizers.SGD(
        schedule(recipe, steps),
        momentum=0.9,
        nesterov=True,
        weight_decay=recipe.decay,
        use_ema=recipe.average > 0,
        ema_momentum=recipe.average,
    )
    # Offsets and the scales of the normalisation do not overlearn; shrinking them only slows learning.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    # XLA makes these layers several times slower on processors without AMX.
    network.compile(
        optimizer, keras.losses.CategoricalCrossentropy(), metrics=[_first_head], jit_compile=False
    )


def _first_head(targets, scores):
    """How often the data's own label has the highest score."""
    return keras.metrics.categorical_accuracy(targets[:, 0], scores[:, 0])


_first_head.__name__ = "accuracy"


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


def _settle(network: keras.Model, batches: Batches) -> None:
    """Takes the means and deviations of the normalisations anew: averaged weights give other ones.

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima, 2018, https://arxiv.org/abs/1803.05407
    """
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in layers]
    for number in range(min(SETTLING, len(batches))):
        for layer in layers:
            layer.momentum = number / (number + 1)  # the mean of all batches so far
        network(batches[number][0], training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum


def _found(scores: np.ndarray, checks: Lessons) -> Row:
    """Returns how often the highest score of each head is right."""
    row = {}
    for head, name in enumerate(("validation", "validation_votes")[: scores.shape[1]]):
        known = checks.weights[:, head] > 0
        right = scores[known, head].argmax(1) == checks.targets[known, head].argmax(1)
        row[name] = round(float(right.mean()), 4) if len(right) else 0.0
    return row


def _tensorboard(out: Path) -> list[keras.callbacks.Callback]:
    """Returns what writes a run's figures for TensorBoard, if that is installed."""
    try:
        import tensorboard  # noqa: F401
        import tensorflow  # noqa: F401
    except ImportError:
        return []
    return [keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False)]


@contextlib.contextmanager
def _full_told(out: Path):
    """Turns a disk that is full or locked into words."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{error.filename or out} cannot be written ({error.strerror or error}).",
            "Expected a folder that is writable, with room for about 150 MB.",
            "Make room and call it again, which goes on after the last whole epoch, or choose another --out.",
        ) from error


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
    """Saves a network as a .keras file with its card, without optimizer."""
    path = Path(path)
    part = path.with_name(f"part-{path.name}")
    network.save(part)
    write_card(part, card)
    os.replace(part, path)
