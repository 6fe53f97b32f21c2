"""What a training keeps on disk, so that it can be stopped at any moment and go on.

`training.py` hands over what is to be kept after each epoch.

Notebook: 05_train
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .card import Card
from .errors import BadInputError, OutputError, damage_told
from .files import writing_told
from .network import keras, save

Row = dict[str, float]
"""The figures of one epoch."""


MARGIN = 2**20
"""Bytes for what is small: tables, names, figures."""

GO_ON = "Make room and call it again, which goes on after the last whole epoch, or choose another --out."


class Checkpoints:
    """The folder of one training.

    Args:
        folder: Made if it is not there.
        about: What has to be the same for a training to go on, as JSON values: its recipe, its data,
            the networks that it began with and learns from.

    Attributes:
        best: The file of the best network so far.
    """

    def __init__(self, folder: Path, about: dict[str, Any]):
        self.folder, self.about = folder, about
        self.best, self._state = folder / "expression.keras", folder / "training.json"
        self._lock = FileLock(folder / "lock", is_singleton=True)  # let go of when the process ends, too

    def take_up(self, network: keras.Model) -> list[Row]:
        """Gives a network the weights it had when its training stopped.

        Returns:
            The history so far; empty for a new training.

        Raises:
            BadInputError: The folder holds another training, a damaged one, or a network of other origin.
            OutputError: The folder cannot be made.
        """
        with writing_told(self.folder, GO_ON):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take_hold()
        self._check_room(network)
        if not self._state.is_file():
            self._check_own()
            return []
        with self._damage_told():
            state = json.loads(self._state.read_text(encoding="utf-8"))
            history = [{**row, "validation": float(row["validation"])} for row in state.pop("history")]
            then, now = _flat(state), _flat(self.about)
        self._check_same(then, now)
        with self._damage_told():
            if not zipfile.is_zipfile(self.best):
                raise FileNotFoundError(f"{self.best.name} is gone or cut short")
            network.load_weights(self._checkpoint(len(history)))
        return history

    def release(self) -> None:
        """Lets others train in the folder."""
        self._lock.release()

    def _take_hold(self) -> None:
        """Makes sure that no other program trains in the folder."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BadInputError(
                f"Another training runs in {self.folder}.",
                "Expected one at a time.",
                "Wait for its end, or choose another --out.",
            ) from None

    def keep_weights(self, network: keras.Model, epoch: int) -> None:
        """Writes the weights and the optimizer after an epoch, beside those of the one before."""
        self._check_room(network)
        with writing_told(self._checkpoint(epoch), GO_ON):
            network.save_weights(self._checkpoint(epoch))

    def keep_best(self, network: keras.Model, card: Card) -> None:
        """Writes the best network so far."""
        with writing_told(self.best, GO_ON):
            save(network, self.best, card)

    def keep_history(self, history: list[Row]) -> None:
        """Writes the figures, and with them says that the epoch is done.

        `training.json` comes last and all at once: until then the one before it stands, whose
        checkpoint is still there, so a stop at any moment costs one epoch at most.
        """
        with writing_told(self.folder, GO_ON):
            with (self.folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, history[-1], lineterminator="\n")
                writer.writeheader()
                writer.writerows(history)
            part = self._state.with_suffix(".part")
            part.write_text(json.dumps({**self.about, "history": history}, indent=1), encoding="utf-8")
            os.replace(part, self._state)
            for old in set(self.folder.glob("checkpoint-*.weights.h5")) - {self._checkpoint(len(history))}:
                old.unlink()

    def _checkpoint(self, epoch: int) -> Path:
        return self.folder / f"checkpoint-{epoch}.weights.h5"

    def _check_room(self, network: keras.Model) -> None:
        """Raises an OutputError unless what an epoch writes has room: weights, optimizer, two networks.

        A file that outgrows the disk would be told of, too, but with noise from the library that writes it.
        """
        values = [*network.variables * 3, *network.optimizer.variables]
        wanted, free = (
            sum(4 * math.prod(v.shape) for v in values) + MARGIN,
            shutil.disk_usage(self.folder).free,
        )
        if free < wanted:
            raise OutputError(
                f"There are {free / 1e6:.0f} MB left for {self.folder}.",
                f"Expected {wanted / 1e6:.0f} MB.",
                GO_ON,
            )

    def _check_same(self, then: dict[str, Any], now: dict[str, Any]) -> None:
        """Raises a BadInputError where the folder holds another training than this one."""
        others = [name for name in {**now, **then} if then.get(name, ...) != now.get(name, ...)]
        if others:
            found = [name for name in others if name != "data"]
            differs = f"with {_told(then, found)}, not {_told(now, found)}" if found else "of other pictures"
            raise BadInputError(
                f"In {self.folder} is a training {differs}.",
                "Expected the same, to go on with it.",
                "Give the same again, or another --out; --start begins with its network.",
            )

    def _check_own(self) -> None:
        """Raises a BadInputError where the folder has a network that no training there wrote."""
        if self.best.exists() and not self._checkpoint(1).exists():
            raise BadInputError(
                f"{self.best} is there, and no training that wrote it.",
                "Expected a folder that is new, or that of a training: a network would be written over.",
                "Choose another --out.",
            )

    def _damage_told(self) -> contextlib.AbstractContextManager:
        return damage_told(
            f"The training in {self.folder} cannot be taken up",
            f"Expected {self._state.name}, {self.best.name} and the checkpoint, all whole.",
            "Remove the folder, or choose another with --out.",
        )


def _flat(about: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a recipe beside the others."""
    others = {name: value for name, value in about.items() if name != "recipe"}
    return {**about["recipe"], **others}


def _told(values: dict[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {values[name]}" if name in values else f"no {name}" for name in names)
