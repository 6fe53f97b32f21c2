"""Makes the shipped network a reader's own: the same eyes, another judgement, taught in seconds.

The layers that look at a face stay as they are; what they find in each picture, distorted in
many ways, is written down once. Then only the last layer learns, from the reader's own labels,
and stays near what it knew before: ten pictures say less than the thousands it learned from.
Ten pictures of each are enough to begin with. `expression personalise` calls it.

Sources: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792;
Li et al., Explicit Inductive Bias for Transfer Learning with Convolutional Networks, 2018, https://arxiv.org/abs/1802.01483

Notebook: 07_your_face
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .augmentation import distort
from .card import ONE_HEAD, Card, read_card
from .dataset import Split, parted, sketches
from .errors import BadInputError, OutputError
from .image import SIZE, standardise
from .labels import Labels
from .models import SHIPPED
from .network import LOGITS, headed, keras, read_network, save
from .runtime import LIVE_HEAD, Runtime, load

FEWEST = 10
"""Pictures of a label that can be learned from."""

VIEWS = 8
"""Times that each picture is seen, each time distorted in another way."""

EPOCHS, RATE = 60, 3e-3
"""How the last layer is taught: rounds over all views, and Adam's rate."""

PULL, PULL_NEW = 0.3, 0.01
"""How strongly weights are held to those they begin with: of labels that the network knew, and of new ones,
which begin with nothing. benchmarks/README.md tells how they were chosen."""

SHARE = 0.25
"""Share of the pictures that is kept to test with: about so many of one session; of several, the last one and
those before it as long as they are no more together."""

FEWEST_TESTED = 5
"""Pictures of a label below which its figure is chance."""


@dataclass(frozen=True)
class Personalised:
    """What came of it.

    Attributes:
        path: The new network, a .keras file with its card.
        labels: What it tells apart.
        learned: Pictures that it learned from.
        tested: Pictures of each label that it was tested with, in the order of the labels.
        twins: Pictures that were left out, since one of those it was tested with is near-equal.
        sessions: The sessions that were held back to test with, in order; none where there is one only.
        strange: Labels that the network did not know before.
        before: Share of all tested pictures that it read right before, 0 to 1.
        after: The same now.
        known_before: Share of the tested pictures whose labels it knew; None where there are none.
        known_after: The same now.
    """

    path: Path
    labels: Labels
    learned: int
    tested: tuple[int, ...]
    twins: int
    sessions: tuple[str, ...]
    strange: tuple[str, ...]
    before: float
    after: float
    known_before: float | None
    known_after: float | None


def personalise(
    pictures: Split, labels: Labels, out: str | Path, start: str | Path | None = None, seed: int = 0
) -> Personalised:
    """Teaches a network the labels of a reader's own pictures, and tests it with pictures held back.

    Args:
        pictures: All of them; `groups` are the sessions; `held_back` says which are tested with.
        labels: What their indexes mean; those that no picture has are left out.
        out: The .keras file to write.
        start: The network to begin with; None for the shipped one.
        seed: Decides the distortions.

    Raises:
        BadInputError: There are too few pictures, or of one label only, and the message says what to capture;
            or `start` is no such network.
        MissingFileError: `start` is not there.
        OutputError: The file cannot be written.
    """
    out, start = Path(out), Path(start or SHIPPED.with_suffix(".keras"))
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise OutputError(
            f"--out is {out}.", "Expected a name that ends in .keras, in a folder that is there.", "Name one."
        )
    if start.suffix != ".keras":
        raise BadInputError(
            f"--start is {start}.", "Expected a .keras file: others cannot be taught.", "Name one."
        )
    pictures, labels = _used(pictures, labels)
    learned, tested, sessions = held_back(pictures)
    twins = len(pictures) - len(learned) - len(tested)
    _check(learned, tested, labels, twins)
    card, network = read_card(start), read_network(start)
    folded = [label.casefold() for label in card.labels]
    strange = tuple(label for label in labels if label.casefold() not in folded)
    known = np.array([label not in strange for label in labels])[tested.indexes]
    before = _right(load(start), tested, labels)
    layer = _taught(network, card, learned, labels, seed)
    made = headed(keras.Model(network.input, network.get_layer(LOGITS).input), labels)
    made.get_layer(LOGITS).set_weights(layer)
    facts = {"began_with": start.name, "learned_from": len(learned)}
    save(made, out, Card(labels, SIZE, heads=ONE_HEAD, facts=facts))
    after = _right(load(out), tested, labels)
    counts = tuple(np.bincount(tested.indexes, minlength=len(labels)).tolist())
    of_known = [float(right[known].mean()) if known.any() else None for right in (before, after)]
    return Personalised(
        out, labels, len(learned), counts, twins, sessions, strange, before.mean(), after.mean(), *of_known
    )


def held_back(pictures: Split) -> tuple[Split, Split, tuple[str, ...]]:
    """Returns pictures to learn from, others to test with, and the sessions of the latter.

    The last session is held back, and those before it as long as all of them are a quarter of the pictures
    at most; which is the last, the order of the pictures says. What has a near-equal picture there is on
    neither side. Where there is one session only, a quarter of each label is held back, and no picture has
    a twin on the other side.
    """
    groups = pictures.groups
    # One that was taken up again counts as late as its last picture.
    backwards = [] if groups is None else dict.fromkeys(groups[::-1].tolist())
    sessions = [name for name in reversed(backwards) if name]
    if len(sessions) < 2:
        alone = Split(pictures.pictures, pictures.indexes)
        return (*parted(alone, [SHARE]), ())
    first = len(sessions) - 1
    while first > 1 and np.isin(groups, sessions[first - 1 :]).sum() <= SHARE * len(pictures):
        first -= 1
    last = np.isin(groups, sessions[first:])
    sketched = sketches(pictures.pictures)
    twins = ~last & np.isin(sketched, sketched[last])
    return pictures.take(~last & ~twins), pictures.take(last), tuple(sessions[first:])


def _used(pictures: Split, labels: Labels) -> tuple[Split, Labels]:
    """Returns the pictures with the labels that are in use alone."""
    used = np.unique(pictures.indexes)
    if len(used) < 2:
        names = " and ".join(labels[index] for index in used) or "no label"
        raise BadInputError(
            f"There are pictures of {names}.",
            "Expected two labels or more, to be told apart.",
            "Take some of another: expression label.",
        )
    indexes = np.searchsorted(used, pictures.indexes)
    split = Split(pictures.pictures, indexes, groups=pictures.groups)
    return split, Labels([labels[index] for index in used])


def _check(learned: Split, tested: Split, labels: Labels, twins: int) -> None:
    """Raises a BadInputError that says what to capture, where there is too little."""
    counts, more = (np.bincount(part.indexes, minlength=len(labels)) for part in (learned, tested))
    few = [f"{count} of {label}" for label, count in zip(labels, counts, strict=True) if count < FEWEST]
    if few:
        # The next session is held back in its turn, and the one that is held back now is learned from.
        enough = (counts + more).min() >= FEWEST
        without = f", without {twins} that are near-equal to some that are tested with" if twins else ""
        raise BadInputError(
            f"There are {', '.join(few)} to learn from{without}.",
            f"Expected {FEWEST} pictures of each label, beside those that are tested with.",
            f"Take {'another session' if enough else 'two more sessions'} with {FEWEST} of each label, since "
            "the last session is for testing only: expression label.",
        )
    if not len(tested):
        raise BadInputError(
            "There are no pictures left to test with.",
            "Expected some that differ from those it learns from.",
            "Take a second session on another day: expression label.",
        )


def _taught(network: keras.Model, card: Card, learned: Split, labels: Labels, seed: int) -> list[np.ndarray]:
    """Returns the weights of a last layer that was taught with views of the pictures."""
    eyes = keras.Model(network.input, network.get_layer(LOGITS).input)
    generator = np.random.default_rng(seed)
    found = []
    for view in range(VIEWS):
        faces = [distort(picture, generator, mirrored=bool(view % 2)) for picture in learned.pictures]
        found.append(eyes.predict(standardise(np.stack(faces)), batch_size=256, verbose=0))
    found = np.concatenate(found)
    keras.utils.set_random_seed(seed)
    kernel, bias, new = _begun(network, card, labels)
    layer = keras.layers.Dense(len(labels), kernel_regularizer=_Pull(kernel, np.where(new, PULL_NEW, PULL)))
    judge = keras.Sequential([keras.Input(found.shape[1:]), layer])
    layer.set_weights([kernel, bias])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(keras.optimizers.Adam(RATE), loss, jit_compile=False)
    indexes = np.tile(learned.indexes, VIEWS)
    counts = np.bincount(learned.indexes)
    judge.fit(found, indexes, 128, EPOCHS, verbose=0, sample_weight=(counts.mean() / counts)[indexes])
    return layer.get_weights()


class _Pull(keras.regularizers.Regularizer):
    """Holds weights to those they began with, each label's as strongly as it is told."""

    def __init__(self, begun: np.ndarray, strengths: np.ndarray):
        self.begun, self.strengths = np.float32(begun), np.float32(strengths)

    def __call__(self, weights):
        return keras.ops.sum(self.strengths * keras.ops.square(weights - self.begun))


def _begun(network: keras.Model, card: Card, labels: Labels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns weights and offsets to begin with, nothing for labels that are new, and which these are."""
    kernel, bias = network.get_layer(LOGITS).get_weights()
    first = len(card.labels) * (card.heads.index(LIVE_HEAD) if LIVE_HEAD in card.heads else 0)
    known = {label.casefold(): first + index for index, label in enumerate(card.labels)}
    places = np.array([known.get(label.casefold(), -1) for label in labels])
    new = places < 0
    return np.where(new, 0, kernel[:, places]), np.where(new, 0, bias[places]), new


def _right(runtime: Runtime, tested: Split, labels: Labels) -> np.ndarray:
    """Returns (n,) bool: of which pictures a network says the right word, of its own words."""
    said = runtime.scores(standardise(tested.pictures)).argmax(1)
    words = np.array([label.casefold() for label in runtime.labels])[said]
    return words == np.array([label.casefold() for label in labels])[tested.indexes]
