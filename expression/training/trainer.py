"""Teaches a network from a Dataset.

`train` runs the epochs, each from freshly distorted pictures, keeps the best network by the
validation split, and goes on where it was stopped. `expression train` and `scripts/train.py`
call it.

Notebook: 05_train
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from .augmentation import Batches, Lessons, Teacher
from .calibration import temperature
from .card import ONE_HEAD, Card, read_card
from .checkpoints import Checkpoints, Row
from .dataset import Dataset, Split
from .errors import BadInputError
from .image import SIZE, standardise
from .labels import Labels
from .network import builder, check_network, keras, plain, precision, read_network, temper
from .optimizer import average, prepare
from .recipe import Recipe
from .runtime import load
from .votes import COLUMNS, soft_labels

HEADS = {1: ONE_HEAD, 2: ("fer2013", "ferplus")}
"""The names of the heads; votes come with FER2013 only."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        path: The best network, a .keras file with its card.
        accuracy: Its share of right answers on the validation split, 0 to 1.
        history: One row an epoch: epoch, seconds, loss and accuracy in training, accuracy in
            validation, by the data's labels and, where there are votes, by those. The accuracy in
            validation is that of averaged weights on whole pictures.
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
        start: A .keras file of the same network, to begin with its weights.
        teachers: Networks, .tflite or .keras, whose answers are learned too.
        on_epoch: Called with each new row of the history.

    Raises:
        BadInputError: The data cannot be learned from; the folder holds another training, or a
            damaged one; `start` or a teacher does not fit.
        MissingFileError: `start` or a teacher is not there.
        OutputError: The folder cannot be made, or is full.
    """
    _check(dataset)
    run = _Run(dataset, Path(out), recipe or Recipe(), start, teachers, on_epoch)
    try:
        run.follow()
    finally:
        run.kept.release()
    return Trained(run.kept.best, run.best, run.history)


def _check(dataset: Dataset) -> None:
    """Raises a BadInputError unless the data can be learned from."""
    labels, training, validation = dataset.labels, dataset.training, dataset.validation
    if not (len(training) and len(validation)):
        raise BadInputError(
            f"There are {len(training)} pictures to learn from and {len(validation)} to choose by.",
            "Expected some of both; of a folder, a tenth of each label is set aside to choose by.",
            "Add pictures, ten of each label or more, or look whether the file was cut off.",
        )
    used = np.concatenate([training.indexes, validation.indexes])
    if used.min() < 0 or used.max() >= len(labels):
        raise BadInputError(
            f"The data has labels from {used.min()} to {used.max()}.",
            f"Expected 0 to {len(labels) - 1}, which stand for {', '.join(labels)}.",
            "Mend the data, or the list of labels.",
        )
    missing = [labels[index] for index in range(len(labels)) if index not in training.indexes]
    if missing:
        raise BadInputError(
            f"There are no pictures of {', '.join(missing)} to learn from.",
            "Expected some of each label.",
            "Add pictures, or take the label out of labelList.csv.",
        )
    _check_votes(dataset)


def _check_votes(dataset: Dataset) -> None:
    """Raises a BadInputError unless both splits have votes for the labels, or neither has votes."""
    voted = [split.votes is not None for split in (dataset.training, dataset.validation)]
    strange = [label for label in dataset.labels if label not in COLUMNS]
    if voted[0] != voted[1] or (voted[0] and strange):
        raise BadInputError(
            f"There are votes, but none for {', '.join(strange)}."
            if all(voted)
            else "Only one of training and validation has votes.",
            f"Expected votes in both, and labels among {', '.join(COLUMNS[:7])}.",
            "Leave the votes out, or read the data again.",
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
    targets, weights = [given], [rarity / rarity.mean()]
    if split.votes is not None:
        targets.append(soft_labels(split.votes, labels))
        weights.append(targets[1].sum(1))  # 1, or 0 where no votes are left
    # Keras takes the mean over the heads; each is to count as if it were alone.
    answers = np.stack(weights, 1).astype(np.float32) * len(targets)
    return Lessons(split.pictures, np.stack(targets, 1).astype(np.float32), answers)


class _Run(keras.callbacks.Callback):
    """One training. Keras calls it at both ends of every epoch."""

    def __init__(self, dataset: Dataset, out: Path, recipe: Recipe, start, teachers, on_epoch):
        super().__init__()
        keras.utils.set_random_seed(recipe.seed)
        self.labels, self.recipe, self.on_epoch = dataset.labels, recipe, on_epoch
        self.heads = HEADS[1 if dataset.training.votes is None else 2]
        self.checks = lessons(dataset.validation, dataset.labels)
        self.network = _build(recipe, dataset.labels, len(self.heads))
        if start:
            _begin_with(self.network, Path(start), dataset.labels)
        learned = lessons(dataset.training, dataset.labels, recipe.smoothing, recipe.balance)
        # Whole faces, as they are met with after the training.
        self.whole = Batches(learned, recipe.batch, recipe.seed)
        self.batches = Batches(
            learned,
            recipe.batch,
            recipe.seed,
            erasing=recipe.erasing,
            mixup=recipe.mixup,
            teachers=tuple(_teacher(Path(path), dataset.labels, self.heads) for path in teachers),
            share=recipe.share,
        )
        prepare(self.network, recipe, len(self.batches))
        about = {
            "recipe": asdict(recipe),
            "labels": list(dataset.labels),
            "pictures": dataset.sizes,
            "data": _data_print(dataset),
            "start": start and _print(start),
            "teachers": [_print(path) for path in teachers],
        }
        self.kept = Checkpoints(out, about)
        self.history = self.kept.take_up(self.network)

    @property
    def best(self) -> float:
        """The highest accuracy in validation so far."""
        return max(row["validation"] for row in self.history)

    def follow(self) -> None:
        """Runs the epochs that are left."""
        if self._is_hopeless():
            return
        self.batches.epoch = len(self.history)
        with contextlib.ExitStack() as self._bars:
            # Batches shuffles by itself, in a way that a training taken up again repeats.
            self.network.fit(
                self.batches,
                epochs=self.recipe.epochs,
                initial_epoch=len(self.history),
                shuffle=False,
                verbose=0,
                callbacks=[self, *_tensorboard(self.kept.folder)],
            )

    def _is_hopeless(self) -> bool:
        """Says whether the best epoch is longer ago than the recipe's patience."""
        found = [row["validation"] for row in self.history]
        since = len(found) - 1 - int(np.argmax(found)) if found else 0
        return 0 < self.recipe.patience <= since

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        from tqdm import tqdm

        self.batches.epoch = self.whole.epoch = epoch
        self._began = time.perf_counter()
        for layer in self.network.layers:
            if isinstance(layer, keras.layers.Dropout):  # It forgets where it was in a checkpoint.
                # Every step counts on by one, so each has a mask of its own.
                layer.seed_generator.state.assign([self.recipe.seed, epoch * len(self.batches)])
        words = f"epoch {epoch + 1}/{self.recipe.epochs}"
        bar = tqdm(total=self.params["steps"], desc=words, leave=False, disable=None)
        self._bar = self._bars.enter_context(bar)

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        seconds = round(time.perf_counter() - self._began, 1)
        self.kept.keep_weights(self.network, epoch + 1)
        weights = self.network.get_weights()
        average(self.network, self.whole)
        averaged = plain(self.network)
        averaged.run_eagerly = True  # Used once: tracing it costs more, and TensorFlow warns of that.
        self.network.set_weights(weights)
        scores = averaged.predict(standardise(self.checks.pictures), batch_size=256, verbose=0)
        taught = {"loss": round(float(logs["loss"]), 4), "training": round(float(logs["accuracy"]), 4)}
        found = _found(scores, self.checks)
        row = {"epoch": epoch + 1, "seconds": seconds, **taught, **found}
        if not self.history or row["validation"] > self.best:
            self._keep(averaged, scores, row)
        self.history.append(row)
        self.kept.keep_history(self.history)
        # TensorBoard shows what begins with val_ beside what was found in training.
        logs |= {name.replace("validation", "val_accuracy"): value for name, value in found.items()}
        self._bar.close()
        if self.on_epoch:
            self.on_epoch(row)
        self.network.stop_training = self._is_hopeless()

    def _keep(self, averaged: keras.Model, scores: np.ndarray, row: Row) -> None:
        """Keeps a network, as sure as it is right."""
        targets = self.checks.targets
        temper(averaged, [temperature(scores[:, i], targets[:, i]) for i in range(len(self.heads))])
        facts = {**row, "recipe": asdict(self.recipe)}
        self.kept.keep_best(averaged, Card(self.labels, SIZE, heads=self.heads, facts=facts))


def _build(recipe: Recipe, labels: Labels, heads: int) -> keras.Model:
    """Returns a network with random weights."""
    with precision("mixed_bfloat16" if recipe.mixed else "float32"):
        network = builder(recipe.network)(labels, heads)
    check_network(network, recipe.network, labels, heads)
    return network


def _begin_with(network: keras.Model, path: Path, labels: Labels) -> None:
    """Copies the weights of a saved network."""
    same = read_card(path).labels == labels
    weights = read_network(path).get_weights()
    if not same or [w.shape for w in weights] != [w.shape for w in network.get_weights()]:
        raise BadInputError(
            f"{path} does not fit the network that is to be trained.",
            "Expected a .keras file with weights of the same shapes, the same labels and heads.",
            "Train it without --start, or with the --network of that file.",
        )
    network.set_weights(weights)


def _teacher(path: Path, labels: Labels, heads: tuple[str, ...]) -> Teacher:
    """Opens a network that gives the answers which are to be learned."""
    runtime = load(path, labels)
    if (runtime.size, len(runtime.heads)) != (SIZE, len(heads)):
        raise BadInputError(
            f"The teacher {path} reads {runtime.size} pixels and answers for {', '.join(runtime.heads)}.",
            f"Expected {SIZE} pixels and {', '.join(heads)}.",
            "Name one that was trained on such data as this.",
        )

    def answers(pictures: np.ndarray) -> np.ndarray:
        """Asks about each face and its mirror image: the mean is right more often."""
        return (runtime.all_scores(pictures) + runtime.all_scores(pictures[:, :, ::-1])) / 2

    return answers


def _print(path: str | Path) -> str:
    """Returns a file's name with the first figures of its SHA-256."""
    return f"{Path(path).name} {sha256(Path(path).read_bytes()).hexdigest()[:12]}"


def _data_print(dataset: Dataset) -> str:
    """Returns the first figures of the SHA-256 of everything that is learned from and chosen by."""
    found = sha256()
    for split in (dataset.training, dataset.validation):
        for values in (split.pictures, split.indexes, split.votes):
            found.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return found.hexdigest()[:12]


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
