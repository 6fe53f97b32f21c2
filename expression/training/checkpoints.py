"""The files of a training run, so that it can be stopped at any moment and continued later.

`trainer.py` passes what is to be saved after each epoch.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets.dataset import Dataset
from ..errors import BadInputError, ExpressionError, OutputError, as_bad_input
from ..files import as_output_error, hold, replacing, write_text
from ..models.architectures import keras, read_network, save
from ..models.metadata import Card

if TYPE_CHECKING:
    from filelock import FileLock

Row = dict[str, float]
"""The measurements of one epoch."""


MARGIN = 2**20
"""Bytes reserved for small files: tables, names, measurements."""

GO_ON = "Free some space and run it again to continue after the last complete epoch, or choose another --out."


class Checkpoints:
    """The folder of one training run.

    Args:
        folder: Created if missing.
        about: What must stay the same for a training run to continue, as JSON values: its recipe, its data,
            the networks that it starts from and learns from.

    Attributes:
        best: The file of the best network so far.
    """

    def __init__(self, folder: Path, about: dict[str, Any]):
        self.folder, self.about = folder, about
        self.best, self._state = folder / "expression.keras", folder / "training.json"
        self._lock: FileLock | None = None

    def restore_weights(self, network: keras.Model) -> list[Row]:
        """Restores the weights that a network had when its training stopped.

        Returns:
            The history so far; empty for a new training run.

        Raises:
            BadInputError: The folder contains another training run, a damaged one, or another network.
            OutputError: The folder cannot be created.
        """
        with as_output_error(self.folder, GO_ON):
            self.folder.mkdir(parents=True, exist_ok=True)
        busy = BadInputError(
            f"Another training run is using {self.folder}.",
            "Expected one training run at a time.",
            "Wait until it ends, or choose another --out.",
        )
        self._lock = self._lock or hold(self.folder / "lock", busy, remedy=GO_ON)
        self._check_room(network)
        if not self._state.is_file():
            self._check_own()
            return []
        with self._as_damaged():
            state = json.loads(self._state.read_text(encoding="utf-8"))
            history = [{**row, "validation": float(row["validation"])} for row in state.pop("history")]
            for value in (value for row in history for value in row.values()):
                float(value)
            then, now = _flat(state), _flat(self.about)
        self._check_same(then, now, network)
        with self._as_damaged():
            if not zipfile.is_zipfile(self.best):
                raise FileNotFoundError(f"{self.best.name} is missing or incomplete")
            network.load_weights(self._checkpoint(len(history)))
        return history

    def release(self) -> None:
        """Releases the folder for other training runs."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def keep_weights(self, network: keras.Model, epoch: int) -> None:
        """Saves the weights and the optimizer after an epoch, next to those of the previous one."""
        self._check_room(network)
        with replacing(self._checkpoint(epoch), remedy=GO_ON) as part:
            network.save_weights(part)

    def keep_best(self, network: keras.Model, card: Card) -> None:
        """Saves the best network so far."""
        with as_output_error(self.best, GO_ON):
            save(network, self.best, card)

    def keep_history(self, history: list[Row]) -> None:
        """Saves the measurements, which marks the epoch as complete.

        `training.json` is written last and atomically: until then the previous one is valid, whose
        checkpoint still exists, so a stop at any moment costs at most one epoch.
        """
        with as_output_error(self.folder, GO_ON):
            table = io.StringIO()
            writer = csv.DictWriter(table, history[-1], lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
            write_text(self.folder / "history.csv", table.getvalue(), remedy=GO_ON)
            state = json.dumps({**self.about, "history": history}, indent=1)
            write_text(self._state, state, remedy=GO_ON)
            for old in set(self.folder.glob("checkpoint-*.weights.h5")) - {self._checkpoint(len(history))}:
                old.unlink()

    def _checkpoint(self, epoch: int) -> Path:
        return self.folder / f"checkpoint-{epoch}.weights.h5"

    def _check_room(self, network: keras.Model) -> None:
        """Raises an OutputError unless an epoch's files fit: weights, optimizer, two networks.

        A full disk would be reported anyway, but with additional output of the library that writes the file.
        """
        values = [*network.variables * 3, *network.optimizer.variables]
        wanted, free = (
            sum(4 * math.prod(v.shape) for v in values) + MARGIN,
            shutil.disk_usage(self.folder).free,
        )
        if free < wanted:
            raise OutputError(
                f"Only {free / 1e6:.0f} MB are free for {self.folder}.",
                f"Expected at least {wanted / 1e6:.0f} MB.",
                GO_ON,
            )

    def _check_same(self, then: dict[str, Any], now: dict[str, Any], network: keras.Model) -> None:
        """Raises a BadInputError if the folder contains a different training run.

        A different number of epochs counts too: the learning rate falls to 0 over all epochs.
        """
        others = [name for name in {**now, **then} if then.get(name, ...) != now.get(name, ...)]
        if others:
            found = [name for name in others if name != "data"]
            differs = f"with {_told(then, found)}, not {_told(now, found)}" if found else "on other pictures"
            begins = f", with --start {self.best} to start from its weights" * self._fits(then, network)
            why = ": the learning rate depends on the number of epochs" * ("epochs" in others)
            raise BadInputError(
                f"{self.folder} contains a training run {differs}.",
                f"Expected the same settings and data to continue it{why}.",
                f"Use the same again, or choose another --out{begins}.",
            )

    def _fits(self, then: dict[str, Any], network: keras.Model) -> bool:
        """Whether another training run can start from the best network here."""
        try:
            there = read_network(self.best).get_weights()
        except ExpressionError:
            return False
        same = [w.shape for w in there] == [w.shape for w in network.get_weights()]
        return same and then.get("labels") == self.about["labels"]

    def _check_own(self) -> None:
        """Raises a BadInputError if the folder has a network that was not written by a training run there."""
        if self.best.exists() and not self._checkpoint(1).exists():
            raise BadInputError(
                f"{self.best} exists, but not the training run that wrote it.",
                "Expected a new folder, or the folder of a training run, so that no network is overwritten.",
                "Choose another --out.",
            )

    def _as_damaged(self) -> contextlib.AbstractContextManager:
        return as_bad_input(
            f"The training run in {self.folder} cannot be continued",
            f"Expected {self._state.name}, {self.best.name} and the checkpoint, all complete.",
            "Delete the folder, or choose another with --out.",
        )


def _flat(about: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a recipe merged with the others."""
    others = {name: value for name, value in about.items() if name != "recipe"}
    return {**about["recipe"], **others}


def _told(values: dict[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {values[name]}" if name in values else f"no {name}" for name in names)


def file_fingerprint(path: str | Path) -> str:
    """Returns a file's name with the first digits of its SHA-256."""
    return f"{Path(path).name} {sha256(Path(path).read_bytes()).hexdigest()[:12]}"


def data_fingerprint(dataset: Dataset) -> str:
    """Returns the first digits of the SHA-256 of all training and validation data."""
    found = sha256()
    for split in (dataset.training, dataset.validation):
        for values in (split.pictures, split.indexes, split.votes):
            found.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return found.hexdigest()[:12]
