"""Makes the shipped network a reader's own: the same eyes, another judgement, taught in seconds.

The layers that look at a face stay as they are; what they find in each picture, distorted in
many ways, is written down once. Then only the last layer learns, from the reader's own labels.
Ten pictures of each are enough to begin with. `expression personalise` calls it.

Source: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792

Notebook: 07_your_face
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .augmentation import distort
from .card import ONE_HEAD, Card, read_card
from .dataset import Split, parted
from .errors import BadInputError, OutputError
from .image import SIZE, standardise
from .labels import Labels
from .models import SHIPPED
from .network import LOGITS, headed, keras, read_network, save
from .runtime import LIVE_HEAD, Runtime, load

FEWEST = 10
"""Pictures of a label that can be learned from."""

VIEWS = 24
"""Times that each picture is seen, each time distorted in another way."""

EPOCHS, RATE, HOLD = 60, 3e-3, 1e-3
"""How the last layer is taught: rounds over all views, Adam's rate, and how much weights are held small."""

SHARE = 0.25
"""Share of the pictures that is kept to test with, where there is one session only."""


@dataclass(frozen=True)
class Personalised:
    """What came of it.

    Attributes:
        path: The new network, a .keras file with its card.
        labels: What it tells apart.
        learned: Pictures that it learned from.
        tested: Pictures that it was tested with.
        session: The session that these are from; nothing where there is one only.
        before: Share of them that the network read right before, 0 to 1.
        after: The same now.
    """

    path: Path
    labels: Labels
    learned: int
    tested: int
    session: str
    before: float
    after: float


def personalise(
    pictures: Split, labels: Labels, out: str | Path, start: str | Path | None = None, seed: int = 0
) -> Personalised:
    """Teaches a network the labels of a reader's own pictures, and tests it with pictures held back.

    Args:
        pictures: All of them; `groups` are the sessions, the last of which is held back.
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
        raise OutputError(f"The network is to be {out}.", "Expected a .keras file in a folder.", "Name one.")
    pictures, labels = _used(pictures, labels)
    learned, tested, session = held_back(pictures)
    _check(learned, tested, labels, session)
    card, network = read_card(start), read_network(start)
    before = _accuracy(load(start), tested, labels)
    layer = _taught(network, card, learned, labels, seed)
    made = headed(keras.Model(network.input, network.get_layer(LOGITS).input), labels)
    made.get_layer(LOGITS).set_weights(layer)
    facts = {"began_with": start.name, "learned_from": len(learned)}
    save(made, out, Card(labels, SIZE, heads=ONE_HEAD, facts=facts))
    after = _accuracy(load(out), tested, labels)
    return Personalised(out, labels, len(learned), len(tested), session, before, after)


def held_back(pictures: Split) -> tuple[Split, Split, str]:
    """Returns pictures to learn from, others to test with, and the session of the latter.

    The last session is held back; where there is one only, a quarter of each label, in such a way that
    no picture has a twin on the other side.
    """
    groups = pictures.groups
    sessions = sorted(set(groups.tolist()) - {""}) if groups is not None else []
    if len(sessions) < 2:
        alone = Split(pictures.pictures, pictures.indexes)
        return (*parted(alone, [SHARE]), "")
    last = groups == sessions[-1]
    return pictures.take(~last), pictures.take(last), sessions[-1]


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


def _check(learned: Split, tested: Split, labels: Labels, session: str) -> None:
    """Raises a BadInputError that says what to capture, where there is too little."""
    counts = np.bincount(learned.indexes, minlength=len(labels))
    missing = zip(labels, FEWEST - counts, strict=True)
    few = [f"{count} of {label}" for label, count in missing if count > 0]
    if few:
        raise BadInputError(
            f"There are {counts.min()} pictures of {labels[int(counts.argmin())]} to learn from.",
            f"Expected {FEWEST} of each label, beside those that it is tested with.",
            f"Take {', '.join(few)} more{', in another session than the last' if session else ''}.",
        )
    if not len(tested):
        raise BadInputError(
            "There are no pictures left to test with.",
            "Expected some that differ from those it learns from.",
            "Take more, in a second session.",
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
    layer = keras.layers.Dense(len(labels), kernel_regularizer=keras.regularizers.L2(HOLD))
    judge = keras.Sequential([keras.Input(found.shape[1:]), layer])
    layer.set_weights(_begun(network, card, labels))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(keras.optimizers.Adam(RATE), loss, jit_compile=False)
    indexes = np.tile(learned.indexes, VIEWS)
    counts = np.bincount(learned.indexes)
    judge.fit(found, indexes, 128, EPOCHS, verbose=0, sample_weight=(counts.mean() / counts)[indexes])
    return layer.get_weights()


def _begun(network: keras.Model, card: Card, labels: Labels) -> list[np.ndarray]:
    """Returns the weights to begin with: the network's own for labels that it knows, else nothing."""
    kernel, bias = network.get_layer(LOGITS).get_weights()
    first = len(card.labels) * (card.heads.index(LIVE_HEAD) if LIVE_HEAD in card.heads else 0)
    known = {label.casefold(): first + index for index, label in enumerate(card.labels)}
    places = [known.get(label.casefold()) for label in labels]
    kernels = [np.zeros(len(kernel)) if place is None else kernel[:, place] for place in places]
    return [np.stack(kernels, 1), np.array([0 if place is None else bias[place] for place in places])]


def _accuracy(runtime: Runtime, tested: Split, labels: Labels) -> float:
    """Returns how often a network says the right word, of its own words."""
    said = runtime.scores(standardise(tested.pictures)).argmax(1)
    words = [runtime.labels[index].casefold() for index in said]
    right = [labels[index].casefold() for index in tested.indexes]
    return float(np.mean([one == other for one, other in zip(words, right, strict=True)]))
