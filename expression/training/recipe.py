"""How a network is taught: everything that decides what comes out, in one place.

`training.py` follows a Recipe, `expression train` makes one from its options.

Notebook: 05_train
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .errors import BadInputError, did_you_mean


@dataclass(frozen=True)
class Recipe:
    """How a network is taught.

    Attributes:
        network: A name of `network.NETWORKS`.
        epochs: Times that every picture is seen.
        seed: Decides the first weights, the order and the distortions.
        batch: Pictures a step.
        rate: The highest learning rate, reached after `warm_up` epochs; it falls to 0 along a
            half cosine. https://arxiv.org/abs/1608.03983
        warm_up: Epochs in which the rate rises, while the first large steps would do harm; half
            of all epochs at most.
        decay: How much of `rate` each weight shrinks by in a step, kernels only.
        average: How much of the average of all weights so far stays in a step, less in a short training;
            the network that is kept has the averages. https://arxiv.org/abs/1803.05407
        smoothing: Share of a label that is spread over all: the labels are partly wrong.
            https://arxiv.org/abs/1512.00567
        balance: How much more rare labels count: 0 not at all, 1 so that all weigh the same.
        erasing: Share of the pictures in which a rectangle is wiped out.
        mixup: How much pictures are blended in pairs; 0 for not at all.
        share: How much of what is learned comes from the teachers, where there are any.
        patience: Epochs without a better one after which the training ends; 0 for never.
        mixed: Whether to compute in bfloat16, which is quicker on some processors only.
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
    mixup: float = 0.2
    share: float = 0.7
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
            "mixup": (0 <= self.mixup < math.inf, "0 or more"),
            "share": (0 <= self.share <= 1, "0 to 1"),
            "patience": (self.patience >= 0, "0 or more"),
        }
        wrong = {name: span for name, (right, span) in wanted.items() if not right}
        if wrong:
            raise BadInputError(
                f"The recipe has {', '.join(f'{name}={getattr(self, name)}' for name in wrong)}.",
                f"Expected {', '.join(f'{name} {span}' for name, span in wrong.items())}.",
                "Leave it out for what is usual.",
            )


USUAL = {
    "shipped": Recipe(),
    # At the rate of the other network its dense layers learn nothing; what blends pictures only slows it.
    "tutorial": Recipe(network="tutorial", epochs=12, rate=0.02, erasing=0.0, mixup=0.0, patience=5),
}
"""The recipe that suits each network."""


def usual(network: str = "shipped", epochs: int | None = None, seed: int = 0) -> Recipe:
    """Returns the recipe that suits a network.

    Args:
        network: "shipped" or "tutorial".
        epochs: Times that every picture is seen; None for as many as are usual.
        seed: Decides the first weights, the order and the distortions.

    Raises:
        BadInputError: There is no such network, or no such epochs or seed.

    Example:
        >>> usual("tutorial", epochs=2).rate
        0.02
    """
    if network not in USUAL:
        raise BadInputError(
            f"--network is {network!r}.",
            f"Expected {' or '.join(USUAL)}.",
            did_you_mean(network, USUAL, "Try --network shipped."),
        )
    recipe = USUAL[network]
    return replace(recipe, epochs=recipe.epochs if epochs is None else epochs, seed=seed)
