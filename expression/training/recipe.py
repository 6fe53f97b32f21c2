"""Training recipes: everything that determines the result of training, in one place.

`trainer.py` follows a Recipe, and `expression train` creates one from its options.

Notebook: 06_train
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from ..errors import BadInputError, did_you_mean


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        network: A name in `architectures.NETWORKS`.
        epochs: Number of passes over the training pictures.
        seed: Random seed for the initial weights, the order and the distortions.
        batch: Pictures per step.
        rate: The highest learning rate, reached after `warm_up` epochs; it falls to 0 along a
            half cosine. https://arxiv.org/abs/1608.03983
        warm_up: Epochs in which the rate rises, as large steps would do harm at the start; half
            of all epochs at most.
        decay: Weight decay: the share of `rate` by which each weight shrinks in a step, kernels only.
        average: Momentum of the moving average of the weights, less in a short training run;
            the saved network has the averages. https://arxiv.org/abs/1803.05407
        smoothing: Share of a label that is spread over all labels, as some labels are wrong.
            https://arxiv.org/abs/1512.00567
        balance: How much more rare labels count: 0 for not at all, 1 for equal total weights.
        erasing: Share of the pictures in which a rectangle is erased.
        camera: Probability of each camera fault in a picture, such as blur or too little light.
        mixup: How much pictures are blended in pairs; 0 for not at all.
        cutmix: Share of the batches in which each picture gets a rectangle of another one instead.
            https://arxiv.org/abs/1905.04899
        views: How many times every picture is distorted in a new way before the distortions repeat, so that
            slow teachers score each only once; 0 for a new distortion in every epoch.
        share: Weight of the teachers, if there are any.
        temperature: Divisor of the logits of teachers and network when the network learns from
            teachers for the head of the data's labels: above 1, the labels that they find unlikely
            count more. https://arxiv.org/abs/1503.02531
        temperature_votes: The same for the votes, which are soft already.
        contempt: Whether the votes for contempt are learned too. The saved network does not
            have this label: the score of a face that seems contemptuous goes to the other labels.
        patience: Number of epochs without improvement after which training ends; 0 for never.
        mixed: Whether to compute in bfloat16, which is faster only on some processors.
    """

    network: str = "shipped"
    epochs: int = 64
    seed: int = 0
    batch: int = 128
    rate: float = 0.1
    warm_up: float = 1.0
    decay: float = 5e-3
    average: float = 0.998
    smoothing: float = 0.1
    balance: float = 0.0
    erasing: float = 0.25
    camera: float = 0.0
    mixup: float = 0.2
    cutmix: float = 0.0
    views: int = 0
    share: float = 0.7
    temperature: float = 2.0
    temperature_votes: float = 1.0
    contempt: bool = False
    patience: int = 0
    mixed: bool = False

    def __post_init__(self):
        wanted = {
            "epochs": (self.epochs >= 1, "1 or more"),
            "seed": (0 <= self.seed < 2**32, "0 to 4294967295"),
            "batch": (self.batch >= 1, "1 or more"),
            "rate": (0 < self.rate < math.inf, "above 0"),
            "warm_up": (0 <= self.warm_up < math.inf, "0 or more"),
            "decay": (0 <= self.decay < 1, "0 to below 1"),
            "average": (0 <= self.average < 1, "0 to below 1"),
            "smoothing": (0 <= self.smoothing < 1, "0 to below 1"),
            "balance": (0 <= self.balance <= 1, "0 to 1"),
            "erasing": (0 <= self.erasing <= 1, "0 to 1"),
            "camera": (0 <= self.camera <= 1, "0 to 1"),
            "mixup": (0 <= self.mixup < math.inf, "0 or more"),
            "cutmix": (0 <= self.cutmix <= 1, "0 to 1"),
            "views": (self.views >= 0, "0 or more"),
            "share": (0 <= self.share <= 1, "0 to 1"),
            "temperature": (0 < self.temperature < math.inf, "above 0"),
            "temperature_votes": (0 < self.temperature_votes < math.inf, "above 0"),
            "patience": (self.patience >= 0, "0 or more"),
        }
        wrong = {name: span for name, (right, span) in wanted.items() if not right}
        if wrong:
            raise BadInputError(
                f"The recipe has {', '.join(f'{name}={getattr(self, name)}' for name in wrong)}.",
                f"Expected {', '.join(f'{name} {span}' for name, span in wrong.items())}.",
                "Leave it out to use the default.",
            )


@dataclass(frozen=True)
class TransferRecipe(Recipe):
    """How a stage of transfer learning trains a network of `models/bases.py`; see `transfer.py`.

    Attributes:
        side: Pixels on a side to which faces are enlarged. A base halves its picture five times, so of a face
            of 48 pixels nearly nothing would be left; twice as many are four times the work.
        tuned: The share of the base's layers, from the last one, that learn after the head; 0 for none.
        cached: Whether the head learns from the features of the pictures as they are, each computed once. If
            not, it learns from newly distorted pictures in every epoch, which go through the whole base.
    """

    side: int = 96
    tuned: float = 1 / 3
    cached: bool = True

    def __post_init__(self):
        super().__post_init__()
        if not (1 <= self.side <= 512 and 0 <= self.tuned <= 1):
            raise BadInputError(
                f"The recipe has side={self.side}, tuned={self.tuned:g}.",
                "Expected side 1 to 512, tuned 0 to 1.",
                "Leave it out to use the default.",
            )


USUAL = {
    "shipped": Recipe(),
    "whole": Recipe(network="whole"),
    "wide": Recipe(network="wide"),
    # Twenty minutes on two cores. So few epochs leave nothing to memorise: distorting little teaches more.
    "quick": Recipe(network="quick", epochs=15, average=0.99, erasing=0.0, mixup=0.0),
    # At the rate of the others its dense layers learn nothing; blending pictures only slows it down.
    "tutorial": Recipe(network="tutorial", epochs=12, rate=0.02, erasing=0.0, mixup=0.0, patience=5),
}
"""The default recipe of each network."""

TAUGHT = {"smoothing": 0.0, "camera": 0.06, "contempt": True}
"""Changes to the recipe if a network also learns from teachers.

Teachers are better than smoothed labels at saying what else a face looks like.
"""


def usual(network: str = "shipped", epochs: int | None = None, seed: int = 0, taught: bool = False) -> Recipe:
    """Returns the default recipe of a network.

    Args:
        network: A name in USUAL.
        epochs: Number of passes over the training pictures; None for the default.
        seed: Random seed for the initial weights, the order and the distortions.
        taught: Whether it also learns from teachers.

    Raises:
        BadInputError: There is no such network, or the epochs or seed are not valid.

    Example:
        >>> usual("tutorial", epochs=2).rate
        0.02
    """
    if network not in USUAL:
        raise BadInputError(
            f"--network is {network!r}.",
            f"Expected one of {', '.join(USUAL)}.",
            did_you_mean(network, USUAL, "Try --network shipped."),
        )
    recipe = USUAL[network]
    changes = TAUGHT if taught else {}
    return replace(recipe, epochs=recipe.epochs if epochs is None else epochs, seed=seed, **changes)


HEAD = TransferRecipe(epochs=30, batch=64, rate=0.02, average=0.99, erasing=0.0, mixup=0.0, tuned=0.0)
"""The recipe of the first stage of transfer learning: only the head learns."""

TUNED = TransferRecipe(epochs=8, batch=64, rate=0.01, average=0.99, erasing=0.0, mixup=0.0)
"""The recipe of the second stage: the upper layers of the base learn too, slowly."""


def stages(
    base: str, epochs: int | None = None, seed: int = 0, changes: Sequence[str] = ()
) -> list[TransferRecipe]:
    """Returns the recipe of each stage of transfer learning.

    Args:
        base: A name in `bases.BASES`.
        epochs: Number of epochs of each stage; None for the default.
        seed: As for `usual`.
        changes: As for `changed`; they apply to both stages.

    Raises:
        BadInputError: A value is not valid.

    Example:
        >>> [recipe.tuned for recipe in stages("mobilenet", changes=["tuned=0.5"])]
        [0.0, 0.5]
        >>> len(stages("mobilenet", changes=["tuned=0"]))
        1
    """
    usual = (replace(stage, network=base, seed=seed) for stage in (HEAD, TUNED))
    timed = (stage if epochs is None else replace(stage, epochs=epochs) for stage in usual)
    head, tuned = (changed(stage, changes) for stage in timed)
    return [replace(head, tuned=0.0), tuned] if tuned.tuned else [head]


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """Returns a recipe with some values changed.

    Args:
        recipe: Not changed itself.
        changes: Each a name and a value, such as "mixup=0.4" or "mixed=true".

    Raises:
        BadInputError: A recipe has no such value, or the value is not valid.

    Example:
        >>> changed(Recipe(), ["erasing=0", "cutmix=0.5"]).cutmix
        0.5
    """
    values, found = asdict(recipe), {}
    for change in changes:
        name, _, written = change.partition("=")
        if name not in values:
            raise BadInputError(
                f"--set is {change!r}.",
                "Expected NAME=VALUE, where NAME is a value of the recipe.",
                did_you_mean(name, values, f"The names are {', '.join(values)}."),
            )
        try:
            found[name] = _read(written, type(values[name]))
        except (ValueError, KeyError):
            raise BadInputError(
                f"--set is {change!r}.",
                f"Expected a value like {name}={values[name]}.",
                "Leave it out to use that value.",
            ) from None
    return replace(recipe, **found)


def _read(written: str, kind: type):
    """Parses a value of a type."""
    if kind is bool:
        return {"true": True, "false": False}[written.casefold()]
    return kind(written)
