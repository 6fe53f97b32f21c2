"""Personalises the shipped network: keeps its features and retrains its last layer in seconds.

The layers that look at a face stay unchanged; their output for each picture, distorted in
many ways, is computed once. Then only the last layer is fitted to the user's own labels, and
only if that pays off on pictures left out: ten pictures say less than the thousands it learned from.
A dozen pictures of each label are enough to start. `expression personalise` calls it.

Sources: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792;
Li et al., Explicit Inductive Bias for Transfer Learning with Convolutional Networks, 2018, https://arxiv.org/abs/1802.01483

Notebook: 08_your_face
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..datasets.dataset import Split
from ..datasets.synonyms import label_meant
from ..errors import BadInputError, OutputError, as_bad_input
from ..files import check_folder
from ..labels import FER2013, Labels
from ..models import load
from ..models.architectures import LOGITS, headed, keras, save
from ..models.external import inspect
from ..models.features import split_at_head
from ..models.formats import KERAS, SAVED_MODEL, TFLITE, network_format
from ..models.metadata import Card, has_card
from ..models.registry import SHIPPED
from ..models.runtime import KerasRuntime
from ..models.sensitivity import live_terms
from .augmentation import distort
from .held_back import Accuracy, accuracy, gain_interval, held_back, parts_of
from .last_layer import LastLayer, Pictures, choose

FEWEST = 8
"""Fewest pictures of a label for training; of twelve from one session, a quarter is for testing."""

VIEWS = 4
"""Number of distorted copies of each picture, besides the picture itself."""


@dataclass(frozen=True)
class Personalised:
    """The result of personalising.

    Attributes:
        path: The new network, a .keras file with its card; None if nothing was better than the old one.
        labels: Its labels.
        change: What was changed: "nothing", "offsets", "resting face" or "weights".
        learned: Number of training pictures.
        tested: Number of test pictures of each label, in the order of the labels.
        twins: Number of pictures left out because they are near-duplicates of test pictures.
        sessions: The sessions held back for testing, in order; empty if there is only one.
        strange: Labels that are new to the network.
        before: Accuracy before on test pictures with labels that it knew, choosing among the user's labels;
            None if there are none.
        after: The same afterwards.
        interval: The 95% confidence interval of the gain in balanced accuracy; None if there are none.
        every: Accuracy afterwards on all test pictures.
    """

    path: Path | None
    labels: Labels
    change: str
    learned: int
    tested: tuple[int, ...]
    twins: int
    sessions: tuple[str, ...]
    strange: tuple[str, ...]
    before: Accuracy | None
    after: Accuracy | None
    interval: tuple[float, float] | None
    every: Accuracy


def personalise(
    pictures: Split, labels: Labels, out: str | Path, start: str | Path | None = None, seed: int = 0
) -> Personalised:
    """Trains a network on a user's own pictures, and tests it with pictures held back.

    How much is changed is chosen by cross-validation within the training pictures. If no change is better, or
    the test pictures are read worse, the network is kept and nothing is written.

    Args:
        pictures: All pictures; `groups` are the sessions; `held_back` chooses the test pictures.
        labels: The labels of their indexes; those without pictures are left out.
        out: The .keras file to write.
        start: The network to start from; None for the shipped one.
        seed: Random seed for the distortions and the parts.

    Raises:
        BadInputError: There are too few pictures, or only of one label, and the message says what to capture;
            or `start` is not a suitable network.
        MissingFileError: `start` does not exist.
        OutputError: The file cannot be written.
    """
    out, start = Path(out), Path(start or SHIPPED.with_suffix(".keras"))
    if out.suffix != ".keras":
        raise OutputError(f"--out is {out}.", "Expected a file name that ends in .keras.", "Choose one.")
    check_folder(out, "--out")
    begun = _start(start)
    pictures, labels = _used(pictures, labels)
    learned, tested, sessions = held_back(pictures)
    twins = len(pictures) - len(learned) - len(tested)
    _check(learned, tested, labels, twins)
    eyes, judge = _parted(begun)
    layer = live_layer(begun, judge, labels)
    choice = choose(layer, _seen(begun, eyes, learned, seed), parts_of(learned, seed))
    faces = _features(begun, eyes, tested.pictures)
    compared = _compared(layer, choice.layer, faces, tested.indexes, seed)
    change, after_all = choice.name, choice.layer.logits(faces)
    if compared.worse and not layer.new.any():
        change, after_all = "nothing", layer.logits(faces)
        compared = Compared(compared.before, compared.before, (0.0, 0.0))
    if change != "nothing":
        facts = {"began_with": start.name, "learned_from": len(learned)}
        _write(out, begun, eyes, choice.layer, labels, facts)
    return Personalised(
        None if change == "nothing" else out,
        labels,
        change,
        len(learned),
        tuple(np.bincount(tested.indexes, minlength=len(labels)).tolist()),
        twins,
        sessions,
        tuple(label for label, is_new in zip(labels, layer.new, strict=True) if is_new),
        *compared,
        accuracy(after_all, tested.indexes),
    )


class Compared(NamedTuple):
    """Accuracy before and after on pictures with labels that the network knew; None if there are none."""

    before: Accuracy | None = None
    after: Accuracy | None = None
    interval: tuple[float, float] | None = None

    @property
    def worse(self) -> bool:
        """Whether balanced accuracy fell."""
        return self.before is not None and self.after.balanced < self.before.balanced


def _compared(old: LastLayer, new: LastLayer, faces: np.ndarray, indexes: np.ndarray, seed: int) -> Compared:
    """Compares two layers on the features of test pictures, among the labels that the old one knew."""
    known = ~old.new[indexes]
    if not known.any():
        return Compared()
    right = indexes[known]
    before, after = np.where(old.new, -np.inf, old.logits(faces))[known], new.logits(faces)[known]
    hits = [logits.argmax(1) == right for logits in (before, after)]
    return Compared(accuracy(before, right), accuracy(after, right), gain_interval(*hits, right, seed))


def _start(path: Path) -> KerasRuntime:
    """Opens the network to start from."""
    if network_format(path) in (TFLITE, SAVED_MODEL):
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
        return split_at_head(begun.network, begun.outputs[min(begun.live_head, len(begun.outputs) - 1)])


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


def live_layer(begun: KerasRuntime, judge: keras.layers.Dense, labels: Labels) -> LastLayer:
    """Returns a layer that gives what a live run says, for these labels; weights of new ones are 0."""
    kernel, bias = (*judge.get_weights(), np.zeros(judge.units, np.float32))[:2]
    card, known = begun.card, len(begun.labels)
    if judge.units == 1:  # a single value, for the second of two labels
        kernel, bias = (np.concatenate([np.zeros_like(part), part], -1) for part in (kernel, bias))
    heads = [slice(first, first + known) for first in range(0, len(bias), known)]
    if card.priors and len(heads) == len(card.priors):
        weights, offsets = live_terms(card.priors, begun.live_head, begun.sensitivity, card.temperatures)
        kernel = sum(weight * kernel[:, head] for weight, head in zip(weights, heads, strict=True))
        bias = sum(weight * bias[head] for weight, head in zip(weights, heads, strict=True)) + offsets
    elif len(begun.outputs) == 1:
        kernel, bias = kernel[:, heads[begun.live_head]], bias[heads[begun.live_head]]
    places = _places(labels, begun.labels)
    new = places < 0
    neutral = next((i for i, label in enumerate(labels) if label_meant(label, FER2013) == "Neutral"), -1)
    resting = None if begun.resting is None or new.any() else np.log(begun.resting[places])
    return LastLayer(
        np.where(new, 0, kernel[:, places]).astype(np.float64),
        np.where(new, 0, bias[places]).astype(np.float64),
        new,
        neutral,
        None if resting is None else resting - resting.mean(),
    )


def _seen(begun: KerasRuntime, eyes: keras.Model, learned: Split, seed: int) -> Pictures:
    """Returns the features of pictures and of distorted copies."""
    generator = np.random.default_rng(seed)
    views = [_features(begun, eyes, learned.pictures)]
    for view in range(VIEWS):
        distorted = [distort(picture, generator, mirrored=bool(view % 2)) for picture in learned.pictures]
        views.append(_features(begun, eyes, distorted))
    return Pictures(np.stack(views), learned.indexes)


def _features(begun: KerasRuntime, eyes: keras.Model, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Returns (n, features) of faces, a batch at a time."""
    found = []
    for first in range(0, len(pictures), begun.batch):
        taken = np.stack([begun.preprocess(face) for face in pictures[first : first + begun.batch]])
        found.append(eyes.predict(begun.taken(taken), batch_size=begun.batch, verbose=0))
    return np.concatenate(found)


def _write(
    out: Path, begun: KerasRuntime, eyes: keras.Model, layer: LastLayer, labels: Labels, facts: dict
) -> None:
    """Writes a network with another last layer."""
    made = headed(eyes, labels)
    made.get_layer(LOGITS).set_weights([layer.kernel, layer.bias])
    card = begun.card
    save(made, out, Card(labels, card.size, card.preprocessing, facts=facts, colour=card.colour))


def _places(labels: Labels, known: Labels) -> np.ndarray:
    """Returns (n,), the index of each label among those of a network, perhaps by a synonym, or -1."""
    places = [known.index(label) if known.find(label) else -1 for label in labels]
    for number, label in enumerate(labels):
        meant = label_meant(label, known) if places[number] < 0 else None
        if meant and known.index(meant) not in places:
            places[number] = known.index(meant)
    return np.array(places)
