"""Loads a saved network that scores faces: checks it, opens it and runs it once.

    runtime = load()
    runtime.scores(np.stack([runtime.preprocess(picture, box)]))

Its card describes the format of its pictures and its output, whoever made it. A network
may have several heads: one pass over a face, several outputs with the same labels.

Notebook: 07_live
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..errors import BadInputError, as_bad_input, user_path
from ..labels import Labels
from .formats import KERAS, TFLITE, network_format
from .metadata import Card, check_card, has_card, network_bytes, read_card
from .registry import SHIPPED
from .runtime import KerasRuntime, LiteRuntime, Runtime
from .shapes import STEP


def load(
    path: str | Path | None = None, labels: Labels | Sequence[str] | None = None, threads: int = 1
) -> Runtime:
    """Opens a saved network and runs it once.

    Args:
        path: A .tflite or .keras file; None for the one that comes with the package.
        labels: The labels it must have, in this order; None accepts any.
        threads: Number of LiteRT threads; more than one rarely helps with one small face.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is not a network, has no card, has other labels, or needs an
            input format that this package does not support.
        MissingPackageError: The library that runs it is not installed.
    """
    path = user_path(path) if path else SHIPPED
    kind = network_format(path)
    if kind not in (TFLITE, KERAS) or not has_card(path):
        from .external import inspect

        inspect(path)  # reports what is known about the network and what is not
    card = read_card(path)
    check_card(path, card)
    _check_labels(path, card, labels)
    if kind == TFLITE:
        _check_whole(path, card)
    with _as_run_error(path, card):
        runtime = LiteRuntime(path, card, threads) if kind == TFLITE else KerasRuntime(path, card)
        sums = _try(runtime)
    if not np.allclose(sums, 1, atol=STEP * len(card.labels)):
        raise BadInputError(
            f"{path} gives scores that sum to {', '.join(f'{found:.3g}' for found in sums)}.",
            "Expected 1 in each head.",
            "End the network with a softmax, and export it again.",
        )
    return runtime


def _as_run_error(path: Path, card: Card) -> AbstractContextManager:
    """Reports errors of a network that does not run or does not match its card."""
    return as_bad_input(
        f"{path} does not run",
        f"Expected a network that turns {card.size} x {card.size} pixels into scores of "
        f"{len(card.heads)} x {len(card.labels)} (heads x labels).",
        "Export it again, or download it again.",
    )


def _try(runtime: Runtime) -> np.ndarray:
    """Returns (heads,), the sums of the scores of a black picture."""
    dark = np.zeros((1, runtime.size, runtime.size, runtime.channels), np.float32)
    return runtime.all_scores(dark).sum(-1)[0]


def _check_labels(path: Path, card: Card, labels: Sequence[str] | None) -> None:
    """Raises a BadInputError unless the card has the labels asked for."""
    if labels is not None and tuple(labels) != tuple(card.labels):
        raise BadInputError(
            f"{path} has the labels {', '.join(card.labels)}.",
            f"Expected {', '.join(labels)}.",
            "Correct labelList.csv, or train a network for these labels.",
        )


def _check_whole(path: Path, card: Card) -> None:
    """Raises a BadInputError for a damaged .tflite file, which could crash the process when it runs."""
    if not card.sha256:  # from an earlier version, or made manually
        from . import isolation

        isolation.call("models.loading:attempt", str(path), happened=f"{path} does not run")
    elif sha256(network_bytes(path)).hexdigest() != card.sha256:
        raise BadInputError(
            f"{path} is damaged: its content has changed since it was written.",
            "Expected the complete, unchanged file.",
            "Export it again, or download it again.",
        )


def attempt(path: str) -> None:
    """Runs a .tflite network once; called in a separate process, which damage may crash."""
    from .isolation import watched

    card = read_card(path)
    with watched(), _as_run_error(Path(path), card):
        _try(LiteRuntime(Path(path), card))
