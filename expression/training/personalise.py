"""Personalises the shipped network: keeps its features and retrains its last layer in seconds.

The layers that look at a face stay unchanged; their output for each picture, distorted in
many ways, is computed once. Then only the last layer is trained on the user's own labels,
and stays close to what it was before: ten pictures say less than the thousands it learned from.
Ten pictures of each label are enough to start. `expression personalise` calls it.

Sources: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792;
Li et al., Explicit Inductive Bias for Transfer Learning with Convolutional Networks, 2018, https://arxiv.org/abs/1802.01483

Notebook: 07_your_face
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..datasets.dataset import Split, split_by_group
from ..datasets.synonyms import label_meant
from ..errors import BadInputError, OutputError, as_bad_input
from ..labelbook.session_times import in_order
from ..labels import Labels
from ..models.architectures import LOGITS, headed, keras, save
from ..models.engines import KerasRuntime
from ..models.external import inspect
from ..models.formats import KERAS, SAVED_MODEL, TFLITE, kind_of
from ..models.heads import eyes_of
from ..models.metadata import Card, has_card
from ..models.registry import SHIPPED
from ..models.runtime import Runtime, load
from ..pictures.hashes import difference_hashes
from .augmentation import distort

FEWEST = 10
"""Fewest pictures of a label for training."""

VIEWS = 8
"""Number of differently distorted copies of each picture."""

EPOCHS, RATE = 60, 3e-3
"""Training of the last layer: passes over all views, and Adam's learning rate."""

PULL, PULL_NEW = 0.3, 0.01
"""How strongly weights are held to their initial values: for labels that the network knew, and for new ones,
which start at 0. benchmarks/README.md says how they were chosen."""

SHARE = 0.25
"""Share of the pictures for testing: about this share of a single session; of several, the last one and
those before it as long as they do not exceed it together."""

FEWEST_TESTED = 5
"""Fewest test pictures of a label for a meaningful result."""


@dataclass(frozen=True)
class Personalised:
    """The result of personalising.

    Attributes:
        path: The new network, a .keras file with its card.
        labels: Its labels.
        learned: Number of training pictures.
        tested: Number of test pictures of each label, in the order of the labels.
        twins: Number of pictures left out because they are near-duplicates of test pictures.
        sessions: The sessions held back for testing, in order; empty if there is only one.
        strange: Labels that are new to the network.
        before: Accuracy on all test pictures before, 0 to 1.
        after: The same afterwards.
        known_before: Accuracy before on test pictures with labels that it knew; None if there are none.
        known_after: The same afterwards.
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
    """Trains a network on a user's own pictures, and tests it with pictures held back.

    Args:
        pictures: All pictures; `groups` are the sessions; `held_back` chooses the test pictures.
        labels: The labels of their indexes; those without pictures are left out.
        out: The .keras file to write.
        start: The network to start from; None for the shipped one.
        seed: Random seed for the distortions.

    Raises:
        BadInputError: There are too few pictures, or only of one label, and the message says what to capture;
            or `start` is not a suitable network.
        MissingFileError: `start` does not exist.
        OutputError: The file cannot be written.
    """
    out, start = Path(out), Path(start or SHIPPED.with_suffix(".keras"))
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise OutputError(
            f"--out is {out}.",
            "Expected a file name that ends in .keras, in an existing folder.",
            "Choose one.",
        )
    begun = _start(start)
    pictures, labels = _used(pictures, labels)
    learned, tested, sessions = held_back(pictures)
    twins = len(pictures) - len(learned) - len(tested)
    _check(learned, tested, labels, twins)
    eyes, judge = _parted(begun)
    places = _places(labels, begun.labels)
    strange = tuple(label for label, place in zip(labels, places, strict=True) if place < 0)
    known = (places >= 0)[tested.indexes]
    before = _right(begun, tested, places)
    made = headed(eyes, labels)
    made.get_layer(LOGITS).set_weights(_taught(begun, eyes, judge, learned, places, seed))
    facts = {"began_with": start.name, "learned_from": len(learned)}
    card = Card(labels, begun.size, begun.card.preprocessing, facts=facts, colour=begun.card.colour)
    save(made, out, card)
    after = _right(load(out), tested, np.arange(len(labels)))
    counts = tuple(np.bincount(tested.indexes, minlength=len(labels)).tolist())
    of_known = [float(right[known].mean()) if known.any() else None for right in (before, after)]
    return Personalised(
        out, labels, len(learned), counts, twins, sessions, strange, before.mean(), after.mean(), *of_known
    )


def _start(path: Path) -> KerasRuntime:
    """Opens the network to start from."""
    if kind_of(path) in (TFLITE, SAVED_MODEL):
        raise BadInputError(
            f"--start is {path}.", "Expected a .keras file; other kinds cannot be trained.", "Choose one."
        )
    if not has_card(path):
        inspect(path, KERAS)  # the error says how to turn it into a file with labels
    return load(path)


def _parted(begun: KerasRuntime) -> tuple[keras.Model, keras.layers.Dense]:
    """Returns the part of a network that finds features, and the layer to retrain."""
    with as_bad_input(
        f"{begun.path} cannot be personalised",
        "Expected a network whose last layer with weights is dense.",
        "Choose another --start, or leave it out for the shipped network.",
    ):
        return eyes_of(begun.network, begun.outputs[min(begun.live_head, len(begun.outputs) - 1)])


def held_back(pictures: Split) -> tuple[Split, Split, tuple[str, ...]]:
    """Returns training pictures, test pictures, and the sessions of the latter.

    The last session is held back, and those before it as long as they are at most a quarter of the pictures
    together. Their times, or else the order of the pictures, say which is the last. Pictures with a
    near-duplicate there are on neither side. If there is only one session, a quarter of each label is held
    back, and no picture has a near-duplicate on the other side.
    """
    groups = pictures.groups
    # A session that was continued counts as late as its last picture.
    backwards = [] if groups is None else dict.fromkeys(groups[::-1].tolist())
    sessions = in_order(name for name in reversed(backwards) if name)
    if len(sessions) < 2:
        alone = Split(pictures.pictures, pictures.indexes)
        return (*split_by_group(alone, [SHARE]), ())
    first = len(sessions) - 1
    while first > 1 and np.isin(groups, sessions[first - 1 :]).sum() <= SHARE * len(pictures):
        first -= 1
    last = np.isin(groups, sessions[first:])
    sketched = difference_hashes(pictures.pictures)
    twins = ~last & np.isin(sketched, sketched[last])
    return pictures.take(~last & ~twins), pictures.take(last), tuple(sessions[first:])


def _used(pictures: Split, labels: Labels) -> tuple[Split, Labels]:
    """Returns the pictures with only the labels in use."""
    used = np.unique(pictures.indexes)
    if len(used) < 2:
        names = " and ".join(labels[index] for index in used) or "no label"
        raise BadInputError(
            f"There are only pictures of {names}.",
            "Expected two or more labels.",
            "Take pictures of another label with: expression label.",
        )
    indexes = np.searchsorted(used, pictures.indexes)
    split = Split(pictures.pictures, indexes, groups=pictures.groups)
    return split, Labels([labels[index] for index in used])


def _check(learned: Split, tested: Split, labels: Labels, twins: int) -> None:
    """Raises a BadInputError that says what to capture if there are too few pictures."""
    counts, more = (np.bincount(part.indexes, minlength=len(labels)) for part in (learned, tested))
    few = [f"{count} of {label}" for label, count in zip(labels, counts, strict=True) if count < FEWEST]
    if few:
        # The next session will be held back instead, and the one held back now will be used for training.
        enough = (counts + more).min() >= FEWEST
        without = f", without near-duplicates of test pictures ({twins})" if twins else ""
        raise BadInputError(
            f"There are too few training pictures: {', '.join(few)}{without}.",
            f"Expected {FEWEST} pictures of each label, besides those for testing.",
            f"Take {'another session' if enough else 'two more sessions'} with {FEWEST} of each label, since "
            "the last session is used only for testing: expression label.",
        )
    if not len(tested):
        raise BadInputError(
            "There are no pictures left for testing.",
            "Expected some that differ from the training pictures.",
            "Take a second session on another day: expression label.",
        )


def _taught(
    begun: KerasRuntime,
    eyes: keras.Model,
    judge: keras.layers.Dense,
    learned: Split,
    places: np.ndarray,
    seed: int,
) -> list[np.ndarray]:
    """Returns the weights of a last layer trained on views of the pictures."""
    generator = np.random.default_rng(seed)
    found = []
    for view in range(VIEWS):
        faces = [distort(picture, generator, mirrored=bool(view % 2)) for picture in learned.pictures]
        for part in range(0, len(faces), begun.batch):
            taken = np.stack([begun.preprocess(face) for face in faces[part : part + begun.batch]])
            found.append(eyes.predict(begun.taken(taken), batch_size=begun.batch, verbose=0))
    found = np.concatenate(found)
    keras.utils.set_random_seed(seed)
    kernel, bias, new = _begun(begun, judge, places)
    layer = keras.layers.Dense(len(places), kernel_regularizer=_Pull(kernel, np.where(new, PULL_NEW, PULL)))
    judge = keras.Sequential([keras.Input(found.shape[1:]), layer])
    layer.set_weights([kernel, bias])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(keras.optimizers.Adam(RATE), loss, jit_compile=False)
    indexes = np.tile(learned.indexes, VIEWS)
    counts = np.bincount(learned.indexes)
    judge.fit(found, indexes, 128, EPOCHS, verbose=0, sample_weight=(counts.mean() / counts)[indexes])
    return layer.get_weights()


class _Pull(keras.regularizers.Regularizer):
    """Penalises deviation from the initial weights, with a strength for each label."""

    def __init__(self, begun: np.ndarray, strengths: np.ndarray):
        self.begun, self.strengths = np.float32(begun), np.float32(strengths)

    def __call__(self, weights):
        return keras.ops.sum(self.strengths * keras.ops.square(weights - self.begun))


def _begun(
    begun: KerasRuntime, judge: keras.layers.Dense, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns initial weights and biases, 0 for new labels, and which labels are new."""
    kernel, bias = (*judge.get_weights(), np.zeros(judge.units, np.float32))[:2]
    if judge.units == 1:  # a single value, for the second of two labels
        kernel, bias = (np.concatenate([np.zeros_like(part), part], -1) for part in (kernel, bias))
    first = len(begun.labels) * begun.live_head if len(begun.outputs) == 1 else 0
    new = places < 0
    return np.where(new, 0, kernel[:, first + places]), np.where(new, 0, bias[first + places]), new


def _places(labels: Labels, known: Labels) -> np.ndarray:
    """Returns (n,), the index of each label among those of a network, perhaps by a synonym, or -1."""
    places = [known.index(label) if known.find(label) else -1 for label in labels]
    for number, label in enumerate(labels):
        meant = label_meant(label, known) if places[number] < 0 else None
        if meant and known.index(meant) not in places:
            places[number] = known.index(meant)
    return np.array(places)


def _right(runtime: Runtime, tested: Split, places: np.ndarray) -> np.ndarray:
    """Returns (n,) bool: for which pictures a network predicts the right one of its own labels."""
    return runtime.scores_of(tested.pictures).argmax(1) == places[tested.indexes]
