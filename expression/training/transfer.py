"""Transfer learning: a network that knows a million photos learns to read faces.

First a new head learns, on a base that stays as it is, whose features `bottlenecks.py` computes once. Then
the upper layers of the base learn too, slowly, on distorted pictures (fine-tuning). Both stages are runs of
`trainer.py`, and `expression train --transfer` calls `transfer`.

Source: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792

Notebook: 12_transfer
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..datasets.dataset import Dataset
from ..files import write_text
from ..models.architectures import keras
from ..models.bases import read_base, unfreeze
from ..pictures.image import SIZE
from .bottlenecks import BATCH, Bottlenecks
from .checkpoints import Row
from .recipe import TransferRecipe
from .targets import check_dataset
from .trainer import Trained, train

LABELS_FILE = "retrained_labels.txt"
"""The name of the file with the labels, one per line, in the order of the scores."""


def transfer(
    dataset: Dataset,
    out: str | Path,
    recipes: Sequence[TransferRecipe],
    weights: str | Path | None = None,
    on_epoch: Callable[[Row], None] | None = None,
    tell: Callable[[str], None] = print,
) -> Trained:
    """Trains a base with a new head, or continues where an earlier call stopped.

    Args:
        dataset: As for `train`.
        out: The folder that gets the same files as for `train`, and `retrained_labels.txt`. If there are two
            stages, its folder `head` gets those of the first.
        recipes: The recipe of each stage, from `recipe.stages`.
        weights: A file with the weights of the base; None for those of Keras, see `bases.read_base`.
        on_epoch: As for `train`.
        tell: Called with a sentence about each stage and its cost.

    Raises:
        BadInputError, MissingFileError, OutputError: As for `read_base` and `train`.
    """
    check_dataset(dataset)
    out, head = Path(out), recipes[0]
    base = read_base(head.network, head.side, weights)
    unfreeze(base, 0)
    begun = out / "head" if len(recipes) > 1 else out
    features = Bottlenecks(base, tell).of if head.cached else None
    if features is None:
        tell(f"The head learns from distorted pictures. {cost(base, len(dataset.training))}")
    trained = train(dataset, begun, head, on_epoch=on_epoch, base=base, features=features)
    for recipe in recipes[1:]:
        unfreeze(base, recipe.tuned)
        told = f"{trained.accuracy:.1%} correct in validation with the head alone."
        tell(f"{told} Now {recipe.tuned:.0%} of the base learns too. {cost(base, len(dataset.training))}")
        trained = train(dataset, out, recipe, trained.path, on_epoch=on_epoch, base=base)
    write_text(out / LABELS_FILE, "".join(f"{label}\n" for label in dataset.labels))
    return trained


def cost(base: keras.Model, count: int) -> str:
    """Returns a sentence about the time that an epoch takes with the base in it, measured on a few faces."""
    faces = np.zeros((BATCH, SIZE, SIZE, 1), np.float32)
    base.predict_on_batch(faces)  # the first time takes longer
    began = time.perf_counter()
    base.predict_on_batch(faces)
    seconds = (time.perf_counter() - began) * count / BATCH
    spent = f"{seconds / 60:,.0f} minutes" if seconds >= 120 else f"{seconds:,.0f} seconds"
    return f"Distorted pictures cannot come from the cache: each epoch takes {spent} or more."
