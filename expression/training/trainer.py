"""Trains a network on a Dataset.

`train` runs the epochs, each on freshly distorted pictures, keeps the best network by the
validation split, and continues where it was stopped. `expression train` and `scripts/train.py`
call it.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ..datasets.dataset import Dataset
from ..errors import BadInputError
from ..labels import Labels
from ..models import architectures
from ..models.architectures import keras
from ..models.bases import fingerprint, head_of, joined, with_head
from ..models.metadata import ONE_HEAD, Card, read_card
from ..pictures.image import SIZE, standardise
from .augmentation import Batches
from .calibration import live_temperatures, resting_scores, temperature
from .checkpoints import Checkpoints, Row, data_fingerprint, file_fingerprint
from .distillation import TaughtLoss, Teachers, open_teacher, soften
from .optimizer import average, prepare
from .recipe import Recipe
from .targets import TrainingTargets, check_dataset, learned_labels, priors, training_targets

HEADS = {1: ONE_HEAD, 2: ("fer2013", "ferplus")}
"""The names of the heads; only FER2013 has votes."""


@dataclass(frozen=True)
class Trained:
    """The result of training.

    Attributes:
        path: The best network, a .keras file with its card.
        accuracy: Its accuracy on the validation split, 0 to 1.
        history: One row per epoch: epoch, seconds, loss and accuracy in training, accuracy in
            validation, by the data's labels and by the votes if there are any. The accuracy in
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
    base: keras.Model | None = None,
    features: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Trained:
    """Trains a network, or continues where an earlier call with the same recipe stopped.

    Args:
        dataset: The training data; the test split is not used.
        out: The folder that gets `expression.keras`, `history.csv`, `training.json`, TensorBoard's
            files and the last checkpoint.
        recipe: The training recipe; None for the default one.
        start: A .keras file of the same network, to start from its weights.
        teachers: Networks, .tflite or .keras, whose answers are learned as well.
        on_epoch: Called with each new row of the history.
        base: Put a new head on this network, from `bases.read_base`, instead of building the recipe's.
        features: Returns the features that the base finds in (n, 48, 48) pictures, as `Bottlenecks.of` does;
            the head then learns from these alone, and no picture is distorted.

    Raises:
        BadInputError: The data cannot be used for training; the folder has another training run, or a
            damaged one; `start` or a teacher does not fit.
        MissingFileError: `start` or a teacher does not exist.
        OutputError: The folder cannot be created, or the disk is full.
    """
    check_dataset(dataset)
    run = _Run(dataset, Path(out), recipe or Recipe(), start, teachers, on_epoch, base, features)
    try:
        run.follow()
    finally:
        run.kept.release()
    return Trained(run.kept.best, run.best, run.history)


class _Run(keras.callbacks.Callback):
    """One training run. Keras calls it at the start and end of every epoch."""

    def __init__(
        self, dataset: Dataset, out: Path, recipe: Recipe, start, teachers, on_epoch, base, features
    ):
        super().__init__()
        keras.utils.set_random_seed(recipe.seed)
        self.labels, self.recipe, self.on_epoch = dataset.labels, recipe, on_epoch
        self.base, self.build = base if features else None, _builder(recipe, base, features)
        self.interrupted = False
        self.heads = HEADS[1 if dataset.training.votes is None else 2]
        self.checks = training_targets(dataset.validation, dataset.labels)
        learned_from = learned_labels(dataset, recipe)
        self.network = _build(self.build, recipe, learned_from, len(self.heads), check=base is None)
        if start:
            _begin_with(self.network, Path(start), dataset.labels)
        learned = training_targets(dataset.training, learned_from, recipe.smoothing, recipe.balance)
        self.priors = priors(learned)[:, : len(self.labels)]
        self.checked = (features or standardise)(self.checks.pictures)
        seen = features and features(learned.pictures)
        # Whole faces, as in use after training.
        self.whole = Batches(learned, recipe.batch, recipe.seed, features=seen)
        self.batches = Batches(
            learned,
            recipe.batch,
            recipe.seed,
            erasing=recipe.erasing,
            mixup=recipe.mixup,
            cutmix=recipe.cutmix,
            camera=recipe.camera,
            views=recipe.views,
            teachers=_teachers(teachers, dataset.labels, self.heads, recipe),
            features=seen,
        )
        loss = TaughtLoss(_temperatures(recipe, self.heads), len(dataset.labels)) if teachers else None
        prepare(self.network, recipe, len(self.batches), loss)
        self.kept = Checkpoints(out, _about(dataset, recipe, start, teachers, base))
        try:
            self.history = self.kept.restore_weights(self.network)
            if teachers and recipe.views:
                shape = (recipe.views, len(learned.pictures), len(self.heads), len(dataset.labels))
                self.batches.teachers.remember(self.kept.folder / "answers.npy", shape, new=not self.history)
        except BaseException:
            self.kept.release()
            raise

    @property
    def best(self) -> float:
        """The highest accuracy in validation so far."""
        return max(row["validation"] for row in self.history)

    def follow(self) -> None:
        """Runs the remaining epochs."""
        if self._is_out_of_patience():
            return
        self.batches.epoch = len(self.history)
        with contextlib.ExitStack() as self._bars, _interrupted_by_ctrl_c(self):
            # Batches shuffles by itself, in a way that is reproduced when training continues.
            self.network.fit(
                self.batches,
                epochs=self.recipe.epochs,
                initial_epoch=len(self.history),
                shuffle=False,
                verbose=0,
                callbacks=[self, *_tensorboard(self.kept.folder)],
            )

    def _is_out_of_patience(self) -> bool:
        """Returns whether training stops early: the best epoch is longer ago than the recipe's patience."""
        found = [row["validation"] for row in self.history]
        since = len(found) - 1 - int(np.argmax(found)) if found else 0
        return 0 < self.recipe.patience <= since

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        from tqdm import tqdm

        self.batches.epoch = self.whole.epoch = epoch
        self._began = time.perf_counter()
        for layer in self.network.layers:
            if isinstance(layer, keras.layers.Dropout):  # Its state is not saved in a checkpoint.
                # Every step increases it by one, so each has its own mask.
                layer.seed_generator.state.assign([self.recipe.seed, epoch * len(self.batches)])
        words = f"epoch {epoch + 1}/{self.recipe.epochs}"
        bar = tqdm(total=self.params["steps"], desc=words, leave=False, disable=None)
        self._bar = self._bars.enter_context(bar)

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._bar.update()
        if self.interrupted:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        seconds = round(time.perf_counter() - self._began, 1)
        self.kept.keep_weights(self.network, epoch + 1)
        weights = self.network.get_weights()
        average(self.network, self.whole)
        averaged = self._public()
        averaged.run_eagerly = True  # Used once: tracing it costs more, and TensorFlow warns about that.
        self.network.set_weights(weights)
        scores = averaged.predict(self.checked, batch_size=self.recipe.batch, verbose=0)
        taught = {"loss": round(float(logs["loss"]), 4), "training": round(float(logs["accuracy"]), 4)}
        found = _found(scores, self.checks)
        row = {"epoch": epoch + 1, "seconds": seconds, **taught, **found}
        if not self.history or row["validation"] > self.best:
            self._keep(averaged, scores, row)
        self.history.append(row)
        self.kept.keep_history(self.history)
        # TensorBoard shows names that begin with val_ next to those of training.
        logs |= {name.replace("validation", "val_accuracy"): value for name, value in found.items()}
        self._bar.close()
        if self.on_epoch:
            self.on_epoch(row)
        self.network.stop_training = self._is_out_of_patience()

    def _public(self) -> keras.Model:
        """Returns a copy of the network with the data's labels and no others."""
        if self.network.output_shape[2] == len(self.labels):
            return architectures.plain(self.network)
        return architectures.narrowed(self.network, self.labels, len(self.heads), self.build)

    def _keep(self, averaged: keras.Model, scores: np.ndarray, row: Row) -> None:
        """Saves a calibrated network."""
        targets = self.checks.targets
        divisors = [temperature(scores[:, i], targets[:, i]) for i in range(len(self.heads))]
        architectures.with_temperature(averaged, divisors)
        scores = soften(scores, np.float32(divisors))
        card = Card(self.labels, SIZE, heads=self.heads, facts={**row, "recipe": asdict(self.recipe)})
        live = card.live_head
        card = replace(
            card,
            priors=tuple(map(tuple, self.priors.tolist())),
            temperatures=live_temperatures(scores, targets[:, live], self.priors, live),
            resting=resting_scores(scores, _neutral(targets[:, live], self.labels)),
        )
        whole = averaged if self.base is None else joined(self.base, averaged, self.labels, len(self.heads))
        self.kept.keep_best(whole, card)


def _about(dataset: Dataset, recipe: Recipe, start, teachers, base: keras.Model | None) -> dict[str, Any]:
    """Returns everything that has to be the same when a training run continues."""
    about = {
        "recipe": asdict(recipe),
        "labels": list(dataset.labels),
        "pictures": dataset.sizes,
        "data": data_fingerprint(dataset),
        "start": start and file_fingerprint(start),
        "teachers": [file_fingerprint(path) for path in teachers],
    }
    return about | ({"base": fingerprint(base)} if base else {})


def _neutral(targets: np.ndarray, labels: Labels) -> np.ndarray:
    """Returns (n,) bool, which targets are Neutral by more than half."""
    found = labels.find("Neutral")
    return targets[:, labels.index(found)] > 0.5 if found else np.zeros(len(targets), bool)


@contextlib.contextmanager
def _interrupted_by_ctrl_c(run: _Run) -> Iterator[None]:
    """Makes Ctrl-C end a run after the current step; a second one stops it immediately.

    TensorFlow sometimes crashes when an exception is raised in the middle of a step.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if run.interrupted:
            raise KeyboardInterrupt
        run.interrupted = True

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _temperatures(recipe: Recipe, heads: tuple[str, ...]) -> tuple[float, ...]:
    return (recipe.temperature, recipe.temperature_votes)[: len(heads)]


def _teachers(paths: Sequence[str | Path], labels: Labels, heads: tuple[str, ...], recipe: Recipe):
    """Returns the Teachers, or None if there are none."""
    opened = [open_teacher(Path(path), labels, heads) for path in paths]
    return Teachers(opened, _temperatures(recipe, heads), recipe.share) if opened else None


def _builder(recipe: Recipe, base: keras.Model | None, features) -> Callable[..., keras.Model]:
    """Returns a function that builds a network: the recipe's, a head on a base, or the head alone."""
    if base is None:
        return architectures.builder(recipe.network)
    return partial(head_of, base.output_shape[1]) if features else partial(with_head, base)


def _build(build: Callable, recipe: Recipe, labels: Labels, heads: int, check: bool) -> keras.Model:
    """Returns a network with random weights, or a base with a random head."""
    with architectures.precision("mixed_bfloat16" if recipe.mixed else "float32"):
        network = build(labels, heads)
    if check:  # it may be the user's own; a head on a base always fits
        architectures.check_network(network, recipe.network, labels, heads)
    return network


def _begin_with(network: keras.Model, path: Path, labels: Labels) -> None:
    """Copies the weights of a saved network."""
    card = read_card(path)
    same = card.labels == labels and card.input == Card(labels).input
    weights = architectures.read_network(path).get_weights()
    if not same or [w.shape for w in weights] != [w.shape for w in network.get_weights()]:
        raise BadInputError(
            f"{path} does not fit the network to be trained.",
            "Expected a .keras file with weights of the same shapes, the same input, labels and heads.",
            "Train without --start, or with the --network of that file.",
        )
    network.set_weights(weights)


def _found(scores: np.ndarray, checks: TrainingTargets) -> Row:
    """Returns how often the highest score of each head is right."""
    row = {}
    for head, name in enumerate(("validation", "validation_votes")[: scores.shape[1]]):
        known = checks.weights[:, head] > 0
        right = scores[known, head].argmax(1) == checks.targets[known, head].argmax(1)
        row[name] = round(float(right.mean()), 4) if len(right) else 0.0
    return row


def _tensorboard(out: Path) -> list[keras.callbacks.Callback]:
    """Returns the callback that logs a run for TensorBoard, if that is installed."""
    try:
        import tensorboard  # noqa: F401
        import tensorflow  # noqa: F401
    except ImportError:
        return []
    return [keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False)]
